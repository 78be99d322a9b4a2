/** Takes everything of Sidestep out of the kernel, with or without a running agent, and says what is still there. */
import { existsSync, rmdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../../../config/load.js';
import { socketPath } from '../../admin/socket.js';
import { findCgroup2 } from '../../datapath/cgroup.js';
import type { RetireResult } from '../../datapath/types.js';
import { SidestepError } from '../../errors.js';
import { ProcessHost } from '../../frontdoor/host.js';
import { retireAndLeave } from '../../goodbye.js';
import { takeChoosersAway } from '../../reuseport/leave.js';
import { SwitchFile } from '../../scope/switches.js';
import { createLog, resolveFormat } from '../../log.js';
import { isPinned } from '../../mesh/pins.js';
import type { Context } from '../context.js';
import { EXIT, printLines } from '../io.js';
import type { RetireFlags } from './retire.js';

const PATIENCE_MS = 60_000;
const FOREVER_MS = 0x7fffffff;

const NOTHING = 'nothing of Sidestep is left in the kernel';
const UNTIL_CLOSED = 'hooks and pins are gone; what is still in the map goes when those sockets close';

async function withAgent(context: Context, flags: RetireFlags, retireAll: RetireAll, tell: Tell): Promise<number> {
  const client = context.client();
  const { datapath } = await client.status();
  const result = await retireAll(flags);
  if (result) printLines(context.io, await tell(result));
  await client.uninstall().catch((error: unknown) => {
    // It may have been stopped by somebody else meanwhile.
    if (!(error instanceof SidestepError) || error.code !== 'agent_unreachable') throw error;
  });
  for (const until = Date.now() + PATIENCE_MS; existsSync(datapath.pinPath);) {
    if (Date.now() > until) {
      context.io.stderr.write(`sidestep: the agent has not removed ${datapath.pinPath} after ${String(PATIENCE_MS / 1000)} s\n  Its log says why.\n`);
      return EXIT.problem;
    }
    await sleep(50);
  }
  printLines(context.io, [result?.done ? NOTHING : UNTIL_CLOSED]);
  return result?.done ? EXIT.good : EXIT.problem;
}

/** The datapath of an agent that was killed, or that kept it (lifecycle.onExit: keep). */
async function withoutAgent(context: Context, config: Config, flags: RetireFlags): Promise<number> {
  const { stderr } = context.io;
  const log = createLog({ level: 'info', format: resolveFormat('pretty', stderr.isTTY ?? false), write: (line) => { stderr.write(line); } });
  const reset = await new ProcessHost(config, log).end(flags.wait ? FOREVER_MS : (flags.timeout ?? config.lifecycle.retireTimeout));
  if (reset > 0) printLines(context.io, [`${reset} connections through the front door were reset: they had not ended in time`]);
  // Groups of listeners hold their chooser themselves, pins or not.
  const { reuseportHost } = await import('../../reuseport/native.js');
  await takeChoosersAway(config, reuseportHost, findCgroup2(), log);
  if (!existsSync(config.bpf.pinPath)) {
    printLines(context.io, [NOTHING]);
    return EXIT.good;
  }
  if (isPinned(config)) (await import('../../mesh/native.js')).openMesh(config).uninstall();
  const { openNative } = await import('../../datapath/native.js');
  // Nothing is enrolled any more, so nothing needs to be proven.
  const quiet = { ...config, datapath: { ...config.datapath, selfTest: false } };
  const left = await retireAndLeave(await openNative(quiet, log, { enabled: false, rules: [] }), flags.wait ? FOREVER_MS : (flags.timeout ?? config.lifecycle.retireTimeout), log);
  printLines(context.io, [left === 0 ? NOTHING : UNTIL_CLOSED]);
  return left === 0 ? EXIT.good : EXIT.problem;
}

function removeIfEmpty(directory: string): void {
  try {
    rmdirSync(directory);
  } catch {
    // Somebody keeps something there, or it has gone.
  }
}

export type RetireAll = (flags: RetireFlags) => Promise<RetireResult | undefined>;
export type Tell = (result: RetireResult) => Promise<string[]>;

export async function uninstall(context: Context, flags: RetireFlags, retireAll: RetireAll, tell: Tell): Promise<number> {
  const config = context.load();
  let code: number;
  try {
    code = await withAgent(context, flags, retireAll, tell);
  } catch (error) {
    if (!(error instanceof SidestepError) || error.code !== 'agent_unreachable') throw error;
    code = await withoutAgent(context, config, flags);
  }
  // What was switched off by hand has nothing left to be switched off.
  new SwitchFile(config.runDir).write({ all: false, disabled: [] });
  removeIfEmpty(dirname(socketPath(config.runDir)));
  return code;
}
