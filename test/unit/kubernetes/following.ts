/** A watcher of pods that follows an API server in memory, and what it says. */
import { afterEach } from 'mocha';
import { Client } from '../../../agent/kubernetes/client.js';
import { readPod } from '../../../agent/kubernetes/read.js';
import { accessOf } from '../../../agent/kubernetes/server.js';
import type { Pod } from '../../../agent/kubernetes/types.js';
import { Watcher, type Changed, type Pace } from '../../../agent/kubernetes/watcher.js';
import { ApiServer } from '../../helpers/api-server.js';
import { eventually } from '../../helpers/kernel.js';
import { keptLog, type Line } from '../../helpers/log.js';
import { PODS } from './objects.js';

const pace: Pace = { firstMs: 10, slowestMs: 40, watchMs: 60_000, compareMs: 3_600_000, holdMs: 30_000, page: 500 };

/** Ended after each test, the last one first. */
export const stops: (() => Promise<void>)[] = [];
afterEach(async () => { for (const stop of stops.splice(0).reverse()) await stop(); });

export interface Following {
  readonly server: ApiServer;
  readonly url: string;
  readonly watcher: Watcher<Pod>;
  readonly said: string[];
  readonly lines: readonly Line[];
}

/** Changes as `+name`, `~name` and `-name`. */
export async function following(over: { pace?: Partial<Pace>; tokenFile?: string; answerMs?: number; before?: (server: ApiServer) => void } = {}): Promise<Following> {
  const server = new ApiServer();
  const url = await server.start();
  stops.push(() => server.stop());
  over.before?.(server);
  const { log, lines } = keptLog();
  const said: string[] = [];
  const hear = (changes: readonly Changed<Pod>[]): void => {
    for (const { before, now } of changes) said.push(`${before ? (now ? '~' : '-') : '+'}${(now ?? before)!.name}`);
  };
  const client = new Client(() => accessOf({ apiServer: url, tokenFile: over.tokenFile ?? '', caFile: '' }, {}), over.answerMs);
  const watcher = new Watcher(client, { name: 'pods', path: PODS, query: { fieldSelector: 'spec.nodeName=node-a' }, read: readPod }, hear, log, { ...pace, ...over.pace });
  watcher.start();
  stops.push(() => watcher.stop());
  return { server, url, watcher, said, lines };
}

export const watched = (server: ApiServer): Promise<void> => eventually(() => (server.watches === 1 ? '' : `${server.watches} watches`));
export const heard = (said: readonly string[], ...wanted: string[]): Promise<void> =>
  eventually(() => (said.join(' ') === wanted.join(' ') ? '' : `said ${said.join(' ')}, wanted ${wanted.join(' ')}`));
