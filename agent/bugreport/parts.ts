/** What is in a report: a file each. A part that cannot be had says why, and costs nothing else. */
import { configOrigin, type Config } from '../../config/load.js';
import type { AdminClient } from '../admin/client.js';
import { runChecks } from '../check/run.js';
import type { CheckProvider } from '../check/types.js';
import { realHost } from '../check/host.js';
import { hostFacts, versions } from './facts.js';
import { kernelObjects, pinned } from './kernel.js';
import { lastLines } from './log.js';

export interface Sources {
  readonly client: AdminClient;
  /** Throws when it does not load. */
  config(): Config;
  readonly checks: readonly CheckProvider[];
  /** A file of the log; without it, journald. */
  readonly log?: string | undefined;
  readonly logLines: number;
}

export interface Part {
  readonly file: string;
  readonly gather: (sources: Sources) => unknown;
}

const fetchMs = 10_000;

async function metrics({ client }: Sources): Promise<string> {
  const { metrics: { state, detail } } = await client.status();
  if (state !== 'serving') throw new Error(`metrics are ${state}${detail && `: ${detail}`}`);
  const answer = await fetch(detail, { signal: AbortSignal.timeout(fetchMs) });
  if (!answer.ok) throw new Error(`${detail} answers ${answer.status}`);
  return answer.text();
}

/** That of the agent, which may run with another configuration than the one that is found here. */
const pinPath = (sources: Sources): Promise<string> =>
  sources.client.status().then(({ datapath }) => datapath.pinPath, () => sources.config().bpf.pinPath);

export const PARTS: readonly Part[] = [
  { file: 'versions.json', gather: versions },
  { file: 'host.json', gather: hostFacts },
  { file: 'check.json', gather: (sources) => runChecks(sources.checks, { config: sources.config(), host: realHost }) },
  { file: 'config.json', gather: (sources) => configOrigin(sources.config()) },
  { file: 'kernel.json', gather: kernelObjects },
  { file: 'pins.json', gather: async (sources) => pinned(await pinPath(sources)) },
  { file: 'log.txt', gather: ({ log, logLines }) => lastLines(log, logLines) },
  { file: 'agent/config.json', gather: ({ client }) => client.config() },
  { file: 'agent/status.json', gather: ({ client }) => client.status() },
  { file: 'agent/counters.json', gather: ({ client }) => client.counters() },
  { file: 'agent/pairs.json', gather: ({ client }) => client.pairs() },
  { file: 'agent/edges.json', gather: ({ client }) => client.edges() },
  { file: 'agent/profiles.json', gather: ({ client }) => client.profiles() },
  { file: 'agent/scope.json', gather: ({ client }) => client.scope() },
  { file: 'agent/services.json', gather: ({ client }) => client.services() },
  { file: 'agent/endpoints.json', gather: ({ client }) => client.endpoints() },
  { file: 'agent/listeners.json', gather: ({ client }) => client.reuseport() },
  { file: 'agent/frontdoor.json', gather: ({ client }) => client.frontdoor() },
  { file: 'agent/metrics.txt', gather: metrics },
];
