import type { Run, Settings } from '../context.js';

/** The agent is loaded only here: the other commands start faster without it. */
export const agent = (settings: Settings): Run => async (context) => {
  const config = context.load(settings);
  const { openDatapath, openDoors, openMesh, openReuseport, runAgent } = await import('../../main.js');
  // Loaded only here, as the datapath is: the addon does the sending.
  const notify = context.io.env['NOTIFY_SOCKET'] === undefined ? (): void => undefined : (await import('../../datapath/notify.js')).notify;
  return runAgent(config, {
    open: openDatapath,
    openMesh,
    openReuseport,
    openDoors,
    sources: context.sources(settings),
    io: context.io,
    signals: process,
    notify,
    exit: (code) => process.exit(code),
  });
};
