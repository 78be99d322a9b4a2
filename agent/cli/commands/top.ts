import { setTimeout as sleep } from 'node:timers/promises';
import { API_VERSION, type Frame } from '../../admin/objects.js';
import type { AdminClient } from '../../admin/client.js';
import type { ReadFlags, Run } from '../context.js';
import { EXIT, paintOf, printJson, printLines, widthOf, type Io } from '../io.js';
import { renderTop, topRows } from '../render/top.js';
import { Screen } from '../screen.js';

/** Rows that are asked for: more than any terminal shows, and far fewer than there may be. */
const BUSIEST = 1000;

export interface TopFlags extends ReadFlags {
  readonly once?: boolean;
  /** Milliseconds. */
  readonly interval: number;
}

async function frameOf(client: AdminClient): Promise<Frame> {
  const [status, { pairs }] = await Promise.all([client.status(), client.pairs(BUSIEST)]);
  return { status, pairs, at: performance.now() };
}

/** Rates need two readings, so one picture takes one interval. */
async function once(io: Io, client: AdminClient, flags: TopFlags): Promise<void> {
  const earlier = await frameOf(client);
  await sleep(flags.interval);
  const frame = await frameOf(client);
  if (flags.output === 'json')
    printJson(io, { apiVersion: API_VERSION, totals: frame.status.totals, rows: topRows(frame, earlier) });
  else printLines(io, renderTop(frame, earlier, { width: widthOf(io), paint: paintOf(io) }));
}

async function live(io: Io, client: AdminClient, interval: number): Promise<void> {
  const screen = new Screen(io.stdout);
  const stop = new AbortController();
  const interrupt = (): void => { stop.abort(); };
  process.once('SIGINT', interrupt);
  process.once('SIGTERM', interrupt);
  try {
    let earlier: Frame | undefined;
    while (!stop.signal.aborted) {
      const frame = await frameOf(client);
      screen.draw(renderTop(frame, earlier, { width: screen.width, height: screen.height, paint: paintOf(io) }));
      earlier = frame;
      await sleep(interval, undefined, { signal: stop.signal }).catch(() => undefined);
    }
  } finally {
    screen.close();
    process.off('SIGINT', interrupt);
    process.off('SIGTERM', interrupt);
  }
}

/** Without a terminal there is nothing to refresh in place: one picture, as with --once. */
export const top = (flags: TopFlags): Run => async (context) => {
  const client = context.client();
  if (flags.once || flags.output === 'json' || !context.io.stdout.isTTY) await once(context.io, client, flags);
  else await live(context.io, client, flags.interval);
  return EXIT.good;
};
