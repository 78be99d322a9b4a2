/** The paths of the API. What each needs of the agent is in AgentView, so that tests serve a fake one. */
import { configOrigin, type Config } from '../../config/load.js';
import type { Datapath, DatapathInfo } from '../datapath/types.js';
import { totalsOf } from '../datapath/traffic.js';
import { SidestepError } from '../errors.js';
import type { Log } from '../log.js';
import { explain } from '../pairs/explain.js';
import { inOrder } from '../pairs/profiles.js';
import { matches, parseQuery } from '../pairs/query.js';
import type { Mesh } from '../mesh/mesh.js';
import type { Resolver } from '../pairs/resolve.js';
import { readLevel, readOverride, readSplit } from './input.js';
import { API_VERSION, type MetricsState, type ReloadState, type Status } from './objects.js';

export type MeshView = Pick<Mesh, 'services' | 'endpoints' | 'bus' | 'problems' | 'override' | 'split'>;

export interface AgentView {
  readonly datapath: Datapath;
  readonly mesh: MeshView;
  readonly resolver: Resolver;
  readonly log: Log;
  readonly version: string;
  readonly startedAt: Date;
  readonly retireTimeoutMs: number;
  /** '' when ready. */
  notReady(): string;
  metrics(): MetricsState;
  reloadState(): ReloadState;
  /** Loads the configuration again; how it went is in reloadState(). */
  reload(): void;
  config(): Config;
}

/** What the kernel does, against what it was told to do. */
function datapathProblems({ mode, modeWhy, enabled }: DatapathInfo, wanted: Config['datapath']): string[] {
  if (mode === 'off') return wanted.mode === 'off' ? [] : [`nothing is accelerated: ${modeWhy}`];
  return wanted.enabled && !enabled ? ['acceleration was switched off when all pairs were retired'] : [];
}

function problemsOf(view: AgentView, notReady: string): string[] {
  const metrics = view.metrics();
  const reload = view.reloadState();
  return [
    ...(notReady === '' ? [] : [`not ready: ${notReady}`]),
    ...datapathProblems(view.datapath.info(), view.config().datapath),
    ...(metrics.state === 'failed' ? [`no metrics: ${metrics.detail}`] : []),
    ...view.mesh.problems(),
    ...(reload.successful ? [] : [`the last configuration did not load: ${reload.error}`]),
    ...(reload.restartNeeded.length === 0 ? [] : [`a restart is needed for ${reload.restartNeeded.join(', ')}`]),
  ];
}

export function statusOf(view: AgentView): Status {
  const notReady = view.notReady();
  return {
    apiVersion: API_VERSION,
    agent: { version: view.version, pid: process.pid, startedAt: view.startedAt.toISOString() },
    ready: notReady === '',
    notReady,
    datapath: view.datapath.info(),
    totals: totalsOf(view.datapath.counters(), view.datapath.pairs()),
    metrics: view.metrics(),
    bus: view.mesh.bus(),
    reload: view.reloadState(),
    problems: problemsOf(view, notReady),
  };
}

async function explained(view: AgentView, text: string): Promise<object> {
  const query = parseQuery(text);
  if (!query)
    throw new SidestepError('bad_request', `${JSON.stringify(text)} is no pid, port, address:port, two of them, or pair id`);
  const pairs = await view.resolver.resolve(view.datapath.pairs());
  const profiles = view.datapath.profiles();
  const answers = pairs.filter((pair) => matches(query, pair)).map((pair) => explain(pair, profiles));
  return { apiVersion: API_VERSION, query: text, answers };
}

type Answer = object | Promise<object>;

export const getRoutes: Readonly<Record<string, (view: AgentView, query: URLSearchParams) => Answer>> = {
  '/v1/status': statusOf,
  '/v1/pairs': async (view) => ({ apiVersion: API_VERSION, pairs: await view.resolver.resolve(view.datapath.pairs()) }),
  '/v1/profiles': ({ datapath, resolver }) => ({ apiVersion: API_VERSION, profiles: inOrder(resolver.profiles(datapath.profiles())) }),
  '/v1/edges': (view) => ({ apiVersion: API_VERSION, edges: view.datapath.edges() }),
  '/v1/counters': ({ datapath }) => ({ apiVersion: API_VERSION, counters: datapath.counters(), maps: datapath.maps() }),
  '/v1/explain': (view, query) => explained(view, query.get('q') ?? ''),
  '/v1/services': ({ mesh }) => ({ apiVersion: API_VERSION, services: mesh.services() }),
  '/v1/endpoints': ({ mesh }, query) => ({ apiVersion: API_VERSION, endpoints: mesh.endpoints(query.get('service') ?? undefined) }),
  '/v1/config': (view) => ({ apiVersion: API_VERSION, settings: configOrigin(view.config()) }),
};

export const postRoutes: Readonly<Record<string, (view: AgentView, body: Record<string, unknown>) => Answer>> = {
  '/v1/log-level': (view, body) => {
    view.log.level = readLevel(body);
    view.log.info('log level changed', { level: view.log.level });
    return { apiVersion: API_VERSION, level: view.log.level };
  },
  '/v1/endpoint': (view, body) => {
    const { service, address, port, override } = readOverride(body);
    view.mesh.override(service, address, port, override);
    view.log.info('an endpoint was changed by hand', { service, address, port, ...override });
    return { apiVersion: API_VERSION, endpoints: view.mesh.endpoints(service).filter((one) => one.address === address && one.port === port) };
  },
  '/v1/split': (view, body) => {
    const { service, split } = readSplit(body);
    view.mesh.split(service, split);
    view.log.info('the split of a service was changed by hand', { service, split });
    return { apiVersion: API_VERSION, services: view.mesh.services().filter(({ name }) => name === service) };
  },
  '/v1/reload': (view) => {
    view.reload();
    const reload = view.reloadState();
    if (!reload.successful) throw new SidestepError('config_invalid', reload.error);
    return { apiVersion: API_VERSION, reload };
  },
};
