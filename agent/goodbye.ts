/** The end of the agent's service: every pair goes back to TCP, the kernel is left as it was found, and it is told. */
import { countPairs } from './datapath/traffic.js';
import type { Datapath, Pair } from './datapath/types.js';
import { processName, serverName } from './cli/render/names.js';
import type { Log } from './log.js';

const enrolled = (pairs: readonly Pair[]): Pair[] => pairs.filter(({ state }) => state !== 'tcp');
const plural = (count: number): string => `${String(count)} ${count === 1 ? 'pair' : 'pairs'}`;
const named = 20;

/** Resolves to the number of pairs that could not leave. */
export async function retireAndLeave(datapath: Datapath, timeoutMs: number, log: Log): Promise<number> {
  const before = countPairs(datapath.groups(), ({ state }) => state !== 'tcp');
  const { done, unread, sending } = await datapath.retire({ timeoutMs });
  const left = done ? [] : enrolled(datapath.pairs());
  datapath.uninstall();
  datapath.close();
  log.info(`retired ${plural(Math.max(0, before - left.length))}`);
  if (left.length === 0) return 0;
  // Nothing is lost: they pass every message until they close. Who they are tells which program does not read.
  log.warn(`${plural(left.length)} left in the map, on TCP until closed`, {
    unread,
    sending,
    pairs: left.slice(0, named).map(({ client, server }) => `${processName(client)} -> ${serverName(server)}`),
  });
  return left.length;
}
