/**
 * Services on this host: sources and bus into the store, the store into the kernel, checks and commands into both. Without
 * services and without a bus there is nothing here, neither programs nor processes.
 */
import type { Config } from '../../config/types.js';
import type { ServiceConfig } from '../../config/service-types.js';
import { openBus, forgetMs, type Bus } from '../bus/bus.js';
import { Registry } from '../bus/registry.js';
import { Guard } from '../endpoints/guard.js';
import { configRecords } from '../endpoints/sources/config.js';
import { ListenerSource, type HostPlace } from '../endpoints/sources/listeners.js';
import type { Report, Source } from '../endpoints/sources/types.js';
import { EndpointStore, type Touched } from '../endpoints/store.js';
import type { EndpointRecord } from '../endpoints/types.js';
import { describeError, SidestepError } from '../errors.js';
import type { Log } from '../log.js';
import { Balancer } from './balancer.js';
import type { Group } from './group.js';
import { Checker, type Target } from './health.js';
import type { Member, Override } from './members.js';
import { inherited } from './inherit.js';
import { mergeServices, type Merged } from './merge.js';
import { isPinned } from './pins.js';
import { publishedBy } from './publish.js';
import { checkedOf } from './targets.js';
import { Told } from './told.js';
import { tunedViews, type TunedView } from './tuned.js';
import { Tuning, type RuleView } from './tuning.js';
import type { MeshKernel } from './types.js';
import { busProblems, endpointView, serviceView, type BusView, type EndpointView, type ServiceView } from './view.js';

export type OpenKernel = (config: Config) => MeshKernel;

export interface MeshParts {
  readonly config: Config;
  readonly place: HostPlace;
  readonly log: Log;
  readonly openKernel: OpenKernel;
  /** Beside the configuration and the listeners of this host. */
  readonly sources?: readonly Source[];
  readonly bus?: (config: Config, host: string, log: Log) => Promise<Bus>;
}

const housekeepingMs = 1000;
/** How long an agent that never saw the registry is not ready for it. */
const patienceMs = 30_000;

export class Mesh {
  readonly store: EndpointStore;
  #config: Config;
  #services: readonly ServiceConfig[] = [];
  #balancer: Balancer | undefined;
  #kernel: MeshKernel | undefined;
  #bus: Bus | undefined;
  #registry: Registry | undefined;
  readonly #sources: readonly Source[];
  readonly #checker = new Checker((id, up) => { this.#checked(id, up); });
  readonly #tuning: Tuning;
  readonly #checkedBy = new Map<string, { group: Group; member: Member }>();
  #timer: NodeJS.Timeout | undefined;
  readonly #started = performance.now();
  /** What cannot be had, by what it is about. */
  readonly #faults = new Map<'bus' | 'services', string>();
  #tidyIn = 0;
  /** Sources that have not said anything yet. */
  readonly #silent: Set<Source>;
  /** Services that came from sources. */
  readonly #brought = new Map<string, readonly ServiceConfig[]>();
  #merged: Merged = { services: [], problems: [] };
  readonly #told: Told;

  constructor(private readonly parts: MeshParts) {
    const { config, place } = parts;
    this.#config = config;
    this.#tuning = new Tuning(parts.log.child('mesh'));
    this.store = new EndpointStore(config.mesh.maxEndpoints, new Guard(config.bus.withdrawShare));
    this.#sources = [new ListenerSource(() => this.#services, place), ...(parts.sources ?? [])];
    this.#silent = new Set(this.#sources);
    this.#told = new Told(this.store);
  }

  async start(): Promise<void> {
    const { config, place, log } = this.parts;
    try {
      this.#bus = await (this.parts.bus ?? openBus)(config, place.name, log.child('bus'));
    } catch (error) {
      // A bus that cannot be had costs news of other hosts, never the connections of this one.
      this.#fault('bus', 'the agent goes on without a bus', error);
    }
    if (this.#bus?.connect) {
      const { cluster, reassert, lease } = config.bus;
      this.#registry = new Registry(this.#bus.connect, this.store,
        { cluster, host: place.name, reassertMs: reassert, leaseMs: lease, compareMs: 600_000, rewriteMs: forgetMs / 4 },
        (touched) => { this.#touched(touched); }, log.child('bus'));
    }
    this.configure(config);
    for (const source of this.#sources) source.start((parts, services) => { this.#hear(source, parts, services); });
    this.#registry?.start();
    // Whoever is told that the agent is ready must not reach beyond a virtual address. What cannot be written is tried on.
    await this.settled();
    this.#timer = setInterval(() => { this.#housekeep(); }, housekeepingMs).unref();
  }

  /** `keep`: the programs serve on without an agent, and this host's endpoints are not withdrawn. */
  async stop(keep: boolean): Promise<void> {
    clearInterval(this.#timer);
    for (const part of [...this.#sources, this.#checker, this.#balancer]) part?.stop();
    await this.#registry?.stop(!keep);
    await this.#bus?.stop();
    if (keep) this.#kernel?.close();
    else this.#kernel?.uninstall();
  }

  /** Services, exceptions and the switch, as they are now. */
  configure(config: Config): void {
    this.#config = config;
    this.#merged = mergeServices(config.services, this.#brought.values(), config.mesh.maxServices);
    this.#services = this.#merged.services;
    // A source that has yet to say which services there are may well know those that an earlier agent left.
    const isAll = ![...this.#silent].some(({ brings }) => brings === true);
    try {
      if (this.#services.length + config.tuning.length === 0 && isAll) this.#closeKernel();
      else if (!this.#balancer && (this.#services.length + config.tuning.length > 0 || isPinned(config))) this.#openKernel();
      this.#report('config', 'config', configRecords(config.services));
      this.#balancer?.setServices(this.#services, isAll);
      this.#kernel?.setEnabled(config.mesh.enabled);
      this.#kernel?.setExcepts(this.#excepts());
      if (this.#kernel) this.#tuning.configure(config.tuning, this.#kernel, (service) => (this.#balancer?.groupsOf(service) ?? []).map(({ number }) => number));
      this.#faults.delete('services');
    } catch (error) {
      this.#fault('services', 'services are not balanced', error);
    }
    this.#retarget();
    this.#publish();
  }

  /** '' once what the registry knows is in the tables, or when that cannot be waited for. */
  notReady(): string {
    if (!this.#registry || this.#registry.wasSynced || performance.now() - this.#started > patienceMs) return '';
    return `the endpoints of other hosts have not been read: ${this.#registry.state.detail}`;
  }

  problems(): string[] {
    return [
      ...this.#faults.values(),
      ...this.#merged.problems, ...(this.#balancer?.problems ?? []),
      ...(this.#registry ? busProblems(this.#registry.state, this.#registry.claimedBy > 0) : []),
      ...(this.store.refused > 0 ? [`${this.store.refused} endpoints found no room; see mesh.maxEndpoints`] : []),
      ...(this.#kernel ? this.#tuning.problems(this.#kernel, (name) => this.#services.some((service) => service.name === name)) : []),
      ...(this.#kernel?.info().missing ?? []).map((why) => `an optional hook is missing: ${why}`),
    ];
  }

  services(): ServiceView[] {
    const loads = new Map((this.#kernel?.services() ?? []).map((load) => [load.service, load]));
    return this.#services.map((service) => {
      const groups = this.#balancer?.groupsOf(service.name) ?? [];
      return serviceView(groups[0]?.service ?? service, groups, loads);
    });
  }

  endpoints(service?: string): EndpointView[] {
    return (this.#balancer?.groups ?? []).filter((group) => service === undefined || group.service.name === service).flatMap((group) => {
      const members = [...group.members.values()];
      const loads = this.#kernel?.loads(members.map(({ number }) => number)) ?? [];
      return members.flatMap((member, index) => { const load = loads[index]; return load ? [endpointView(group.service.name, member, load)] : []; });
    });
  }

  bus(): BusView {
    return {
      choice: this.#bus?.choice ?? 'off', why: this.#bus?.why ?? this.#faults.get('bus') ?? '', restarts: this.#bus?.server?.restarts ?? 0,
      registry: this.#registry?.state, endpoints: this.store.size, refused: this.store.refused,
    };
  }

  get profiles(): Bus['profiles'] { return this.#bus?.profiles; }
  rules(): RuleView[] { return this.#kernel ? this.#tuning.views(this.#kernel) : []; }

  /** Connections that a rule of `tuning` fitted. */
  async tuned(): Promise<TunedView[]> {
    return this.#kernel && this.#config.tuning.length > 0 ? tunedViews(await this.#kernel.tuned(), this.#tuning) : [];
  }

  get swaps(): number { return this.#balancer?.swaps ?? 0; }
  get writeFailures(): number { return this.#balancer?.failures ?? 0; }
  get checks(): { made: number; failed: number } { return { made: this.#checker.checks, failed: this.#checker.failed }; }

  settled(): Promise<void> { return this.#balancer?.settledSoon() ?? Promise.resolve(); }

  /** Of this host's view; an endpoint that this host owns tells the others. */
  override(service: string, address: string, port: number, override: Override): void {
    this.#need().override(service, address, port, override);
    this.#publish();
  }

  split(service: string, split: Readonly<Record<string, number>>): void {
    this.#need().split(service, split);
  }

  #need(): Balancer {
    if (!this.#balancer) throw new SidestepError('not_found', 'a service: none is configured');
    return this.#balancer;
  }

  #openKernel(): void {
    const { log, place } = this.parts;
    const kernel = this.parts.openKernel(this.#config);
    const found = kernel.found();
    this.#kernel = kernel;
    this.#balancer = new Balancer(kernel, this.store, { host: place.name, zone: place.zone }, log.child('mesh'), this.#services, found);
    if (kernel.info().tookOver) log.info('took over the services of an earlier agent', { endpoints: found.endpoints.length });
    for (const why of kernel.info().missing) log.warn('an optional hook could not be attached', { because: why });
    if (!this.#registry) return;
    // What other hosts told the agent before us is believed for one lease: they will say so again.
    const until = this.#registry.clock.now + this.#config.bus.lease;
    for (const { key, record } of inherited(found, this.#services)) this.store.inherit(key, record, until);
  }

  /** Without services nothing stays in the kernel, neither of this agent nor of one before it. */
  #closeKernel(): void {
    const kernel = this.#kernel ?? (isPinned(this.#config) ? this.parts.openKernel(this.#config) : undefined);
    this.#kernel = undefined;
    this.#balancer = undefined;
    this.#tuning.forget();
    kernel?.uninstall();
  }

  /** A source, or a part of one, says everything that it knows. */
  #report(origin: 'config' | 'local', who: string, records: readonly EndpointRecord[]): void {
    this.#touched(this.#told.tell(origin, who, records), origin !== 'config');
  }

  #hear(source: Source, parts: Parameters<Report>[0], services: Parameters<Report>[1]): void {
    const isFirst = this.#silent.delete(source);
    if (services) {
      this.#brought.set(source.name, services);
      this.configure(this.#config);
    }
    for (const [part, records] of parts) this.#report(source.origin, `${source.name}/${part}`, records);
    // A source may say much and often: what cannot follow from it is not looked through.
    if (this.#services.some(({ health }) => health !== null)) this.#retarget();
    if (source.origin === 'local') this.#publish();
    // What an earlier agent left and nobody has claimed goes when all have spoken.
    if (isFirst && this.#silent.size === 0) this.#balancer?.dropStrangers();
  }

  #touched(touched: readonly Touched[], fresh = true): void {
    if (touched.length > 0) this.#balancer?.touched(touched, fresh);
  }

  #excepts(): { cgroup: string; service: number | undefined }[] {
    const some = this.#services.flatMap(({ name, except }) =>
      except.flatMap((cgroup) => (this.#balancer?.groupsOf(name) ?? []).map(({ number }) => ({ cgroup, service: number }))));
    return [...this.#config.mesh.except.map((cgroup) => ({ cgroup, service: undefined })), ...some];
  }

  #retarget(): void {
    this.#checkedBy.clear();
    const targets: Target[] = [];
    for (const { group, member, target } of checkedOf(this.#balancer?.groups ?? [])) {
      if (target) {
        this.#checkedBy.set(target.id, { group, member });
        targets.push(target);
      } else if (member.checked !== undefined) {
        this.#balancer?.check(group, member, undefined);
      }
    }
    this.#checker.set(targets);
  }

  #checked(id: string, up: boolean): void {
    const found = this.#checkedBy.get(id);
    if (!found) return;
    const { group, member } = found;
    this.parts.log.info(up ? 'an endpoint is up' : 'an endpoint is down', { service: group.service.name, address: member.address, port: member.port });
    this.#balancer?.check(group, member, up);
    this.#publish();
  }

  #publish(): void {
    this.#registry?.publish(publishedBy(this.#balancer?.groups ?? []));
  }

  #housekeep(): void {
    this.#registry?.expire();
    if (this.#kernel) this.#tuning.look(this.#kernel);
    if (--this.#tidyIn > 0) return;
    this.#tidyIn = 10;
    try {
      this.#balancer?.tidy();
    } catch (error) {
      this.parts.log.debug('counts of old endpoints could not be tidied', { error });
    }
  }

  #fault(about: 'bus' | 'services', consequence: string, error: unknown): void {
    const { message, remedy } = describeError(error);
    this.#faults.set(about, `${consequence}: ${message}`);
    this.parts.log.error(consequence, { because: message, remedy });
  }
}
