/** The paths of the API. What each needs of the agent is in AgentView, so that tests serve a fake one. */
import { configOrigin, type Config } from '../../config/load.js';
import { pressureProblems } from '../datapath/pressure.js';
import type { Sharing } from '../sharing.js';
import type { Datapath, DatapathInfo, PairGroup } from '../datapath/types.js';
import { countPairs, totalsOf } from '../datapath/traffic.js';
import { SidestepError } from '../errors.js';
import type { Log } from '../log.js';
import { explain } from '../pairs/explain.js';
import { inOrder } from '../pairs/profiles.js';
import { matches, parseQuery } from '../pairs/query.js';
import type { Kubernetes } from '../kubernetes/kubernetes.js';
import type { Mesh } from '../mesh/mesh.js';
import { tunedMatches } from '../mesh/tuned.js';
import type { Resolver } from '../pairs/resolve.js';
import type { Guard } from '../guard/guard.js';
import type { Management } from '../guard/manage.js';
import { profileRows } from '../guard/view.js';
import { isAnnotation, type Annotated } from '../scope/annotated.js';
import type { Scope } from '../scope/scope.js';
import type { FrontDoor } from '../frontdoor/frontdoor.js';
import type { Reuseport } from '../reuseport/reuseport.js';
import type { ReuseportView } from '../reuseport/view.js';
import { onlyKnown, readDrain, readImport, readLevel, readOverride, readRotate, readSelector, readSet, readSplit, readWhich } from './input.js';
import { API_VERSION, type Explained, type MetricsState, type ReloadState, type ScopeObject, type Status, type WebState } from './objects.js';

export type MeshView = Pick<Mesh, 'services' | 'endpoints' | 'bus' | 'problems' | 'override' | 'split' | 'tuned'>;

export interface AgentView {
  readonly datapath: Datapath;
  readonly mesh: MeshView;
  readonly reuseport: Pick<Reuseport, 'view' | 'lastView' | 'rotate'>;
  readonly frontdoor: Pick<FrontDoor, 'view' | 'lastView' | 'problems' | 'drain'>;
  readonly resolver: Resolver;
  readonly scope: Scope;
  readonly guard: Guard;
  readonly profiles: Management;
  readonly log: Log;
  readonly version: string;
  readonly startedAt: Date;
  readonly retireTimeoutMs: number;
  /** '' when ready. */
  notReady(): string;
  metrics(): MetricsState;
  web(): WebState;
  reloadState(): ReloadState;
  /** Undefined: nobody asks Kubernetes. */
  readonly kubernetes?: Pick<Kubernetes, 'view' | 'problems' | 'pods'> | undefined;
  /** Undefined: there is nobody to share profiles with. */
  readonly sharing?: Pick<Sharing, 'problem'> | undefined;
  /** Loads the configuration again; how it went is in reloadState(). */
  reload(): void;
  config(): Config;
  /** Ends the agent, once this turn of the loop is over, and everything that it has in the kernel with it. */
  uninstall(): void;
}

/** What the kernel does, against what it was told to do. */
function datapathProblems({ mode, modeWhy, enabled }: DatapathInfo, wanted: Config['datapath'], byHand: boolean): string[] {
  if (mode === 'off') return wanted.mode === 'off' ? [] : [`nothing is accelerated: ${modeWhy}`];
  if (byHand) return ['acceleration was switched off by hand; `sidestep enable` switches it on'];
  return wanted.enabled && !enabled ? ['acceleration was switched off when all pairs were retired'] : [];
}

function scopeProblems({ switches, rules }: ScopeObject): string[] {
  const { disabled } = switches;
  return [
    ...(disabled.length === 0 ? [] : [`switched off by hand: ${disabled.join(', ')}; \`sidestep enable\` switches it on`]),
    ...rules.filter((rule) => rule.absent.length > 0 && !isAnnotation(rule)).map(({ text, origin, absent }) => `${text} (${origin}) matches nothing: ${absent.join(', ')} is not there`),
  ];
}

export function scopeOf({ scope, datapath }: Pick<AgentView, 'scope' | 'datapath'>, open: readonly PairGroup[] = datapath.groups()): ScopeObject {
  const rules = scope.rules().map((rule, index) => ({ ...rule, pairs: countPairs(open, ({ selector }) => selector === index) }));
  return { apiVersion: API_VERSION, switches: scope.switches, rules };
}

function reuseportProblems({ enabled, failure, groups, migration }: ReuseportView): string[] {
  if (!enabled) return [];
  const missed = groups.filter(({ why }) => why === 'unreachable' || why === 'busy' || why === 'too_many');
  return [
    ...(failure === '' ? [] : [`listeners are not looked at: ${failure}`]),
    ...missed.map(({ port, protocol, because }) => `port ${port}/${protocol} is not balanced: ${because}`),
    ...(migration?.wakes === 'no' ? ['this kernel does not wake a listener to which connections have moved'] : []),
  ];
}

function crowdProblems(crowded: readonly Annotated[]): string[] {
  const [first] = crowded;
  if (!first) return [];
  const others = crowded.length === 1 ? '' : ` and ${String(crowded.length - 1)} more`;
  return [`no room for more selectors: accelerated although it asks not to be: ${first.origin}${others}`];
}

function problemsOf(view: AgentView, notReady: string, open: readonly PairGroup[]): string[] {
  const metrics = view.metrics();
  const web = view.web();
  const reload = view.reloadState();
  return [
    ...(notReady === '' ? [] : [`not ready: ${notReady}`]),
    ...datapathProblems(view.datapath.info(), view.config().datapath, view.scope.switches.all),
    ...scopeProblems(scopeOf(view, open)),
    ...crowdProblems(view.scope.crowded),
    ...(view.kubernetes?.problems() ?? []),
    ...reuseportProblems(view.reuseport.lastView()),
    ...view.frontdoor.problems(),
    ...pressureProblems(view.datapath.maps()),
    ...(metrics.state === 'failed' ? [`no metrics: ${metrics.detail}`] : []),
    ...(web.state === 'failed' ? [`no web view: ${web.detail}`] : []),
    ...view.mesh.problems(),
    ...(view.guard.problem === '' ? [] : [`profiles do not outlive the agent: ${view.guard.problem}`]),
    ...(view.sharing === undefined || view.sharing.problem === '' ? [] : [`profiles are not exchanged with other hosts: ${view.sharing.problem}`]),
    ...(reload.successful ? [] : [`the last configuration did not load: ${reload.error}`]),
    ...(reload.restartNeeded.length === 0 ? [] : [`a restart is needed for ${reload.restartNeeded.join(', ')}`]),
  ];
}

export function statusOf(view: AgentView): Status {
  const notReady = view.notReady();
  const open = view.datapath.groups();
  return {
    apiVersion: API_VERSION,
    agent: { version: view.version, pid: process.pid, startedAt: view.startedAt.toISOString() },
    ready: notReady === '',
    notReady,
    datapath: view.datapath.info(),
    totals: totalsOf(view.datapath.counters(), open),
    metrics: view.metrics(),
    web: view.web(),
    bus: view.mesh.bus(),
    kubernetes: view.kubernetes?.view() ?? null,
    frontdoor: view.frontdoor.lastView().process,
    reload: view.reloadState(),
    problems: problemsOf(view, notReady, open),
  };
}

async function explained(view: AgentView, text: string): Promise<Explained> {
  const query = parseQuery(text);
  if (!query)
    throw new SidestepError('bad_request', `${JSON.stringify(text)} is no pid, port, address:port, two of them, pod/NAME, pod/NAMESPACE/NAME, or pair id`);
  const pairs = await view.resolver.resolve(view.datapath.pairs());
  const profiles = view.datapath.profiles();
  const answers = pairs.filter((pair) => matches(query, pair)).map((pair) => explain(pair, profiles, view.scope.decided(pair)));
  const groups = view.reuseport.lastView().groups.filter(({ port, listeners }) =>
    query.kind === 'number' && (port === query.value || listeners.some(({ pid }) => pid === query.value)));
  const tuned = (await view.mesh.tuned()).filter((one) => tunedMatches(query, one));
  const doors = (await view.frontdoor.view()).listeners.filter(({ port, backends }) =>
    query.kind === 'number' && (port === query.value || backends.some((backend) => backend.port === query.value)));
  return { apiVersion: API_VERSION, query: text, answers, groups, tuned, doors };
}

function mostOf(query: URLSearchParams): number | undefined {
  const text = query.get('busiest');
  if (text === null) return undefined;
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new SidestepError('bad_request', `busiest is ${JSON.stringify(text)}, and must be a number from 1 to 999999`);
  return Number(text);
}

type Answer = object | Promise<object>;

export const getRoutes: Readonly<Record<string, (view: AgentView, query: URLSearchParams) => Answer>> = {
  '/v1/status': statusOf,
  '/v1/pairs': async (view, query) => ({ apiVersion: API_VERSION, pairs: await view.resolver.resolve(view.datapath.pairs(mostOf(query))) }),
  '/v1/profiles': ({ datapath, resolver, guard }) => ({
    apiVersion: API_VERSION, profiles: profileRows(guard, inOrder(resolver.profiles(datapath.profiles()))),
  }),
  '/v1/profiles/export': async ({ guard, profiles }) => {
    await guard.look();
    return { apiVersion: API_VERSION, file: profiles.export() };
  },
  '/v1/edges': (view) => ({ apiVersion: API_VERSION, edges: view.datapath.edges() }),
  '/v1/counters': ({ datapath }) => ({ apiVersion: API_VERSION, counters: datapath.counters(), maps: datapath.maps() }),
  '/v1/scope': (view) => scopeOf(view),
  '/v1/explain': (view, query) => explained(view, query.get('q') ?? ''),
  '/v1/pods': ({ kubernetes }) => ({ apiVersion: API_VERSION, reads: kubernetes !== undefined, pods: kubernetes?.pods() ?? [] }),
  '/v1/services': ({ mesh }) => ({ apiVersion: API_VERSION, services: mesh.services() }),
  '/v1/endpoints': ({ mesh }, query) => ({ apiVersion: API_VERSION, endpoints: mesh.endpoints(query.get('service') ?? undefined) }),
  '/v1/reuseport': async ({ reuseport }) => ({ apiVersion: API_VERSION, ...(await reuseport.view()) }),
  '/v1/frontdoor': async ({ frontdoor }) => ({ apiVersion: API_VERSION, ...(await frontdoor.view()) }),
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
  '/v1/disable': (view, body) => {
    view.scope.disable(readSelector(body));
    return scopeOf(view);
  },
  '/v1/enable': (view, body) => {
    view.scope.enable(readSelector(body));
    return scopeOf(view);
  },
  '/v1/profiles/import': async ({ profiles, log }, body) => {
    const { text, file } = readImport(body);
    const imported = await profiles.import(text, file);
    log.info('profiles imported', { file, ...imported });
    return { apiVersion: API_VERSION, imported };
  },
  '/v1/profiles/forget': async ({ profiles, log }, body) => {
    const which = readWhich(body);
    const gone = await profiles.forget(which);
    log.info('profiles forgotten', { which, profiles: gone.map(({ id }) => id) });
    return { apiVersion: API_VERSION, profiles: gone };
  },
  '/v1/profiles/set': async ({ profiles, log }, body) => {
    const { which, state, reason } = readSet(body);
    const changed = await profiles.set(which, state, reason);
    log.info('profiles set', { which, state, profiles: changed.map(({ id }) => id) });
    return { apiVersion: API_VERSION, profiles: changed };
  },
  '/v1/reuseport/rotate': async ({ reuseport }, body) => {
    const { port } = readRotate(body);
    const groups = await reuseport.rotate(({ first }) => first.port === port);
    if (groups.length === 0) throw new SidestepError('not_found', `no group of listeners is balanced on port ${port}`);
    const rotated = groups.map(({ first, sharers }) =>
      ({ protocol: first.protocol, address: first.address, port: first.port, netns: first.netns, draining: sharers.length }));
    return { apiVersion: API_VERSION, rotated };
  },
  '/v1/frontdoor/drain': async ({ frontdoor, log }, body) => {
    const { name, draining } = readDrain(body);
    await frontdoor.drain(name, draining);
    log.info('a front door was changed by hand', { listener: name, draining });
    return { apiVersion: API_VERSION, ...(await frontdoor.view()) };
  },
  '/v1/uninstall': (view, body) => {
    onlyKnown(body, []);
    view.uninstall();
    return { apiVersion: API_VERSION, uninstalling: true };
  },
  '/v1/reload': (view) => {
    view.reload();
    const reload = view.reloadState();
    if (!reload.successful) throw new SidestepError('config_invalid', reload.error);
    return { apiVersion: API_VERSION, reload };
  },
};
