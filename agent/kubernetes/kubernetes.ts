/** The agent and the API server: pods for names and exclusions, services and slices for the mesh. Nothing here is ever written there. */
import { hostname } from 'node:os';
import type { Config } from '../../config/types.js';
import type { HostPlace } from '../endpoints/sources/listeners.js';
import type { Source } from '../endpoints/sources/types.js';
import { describeError } from '../errors.js';
import type { Log } from '../log.js';
import type { Scope } from '../scope/scope.js';
import { Client, type Api } from './client.js';
import { podCgroups } from './cgroups.js';
import { KubernetesSource } from './endpoints.js';
import { podsOf, servicesOf, slices as slicesKind } from './kinds.js';
import { OptOuts } from './optouts.js';
import { optOutsOf, Pods } from './pods.js';
import { accessOf } from './server.js';
import { isMeshed, problemsOf, type Wanted } from './services.js';
import type { Pod, PodIdentity, Service, Slice } from './types.js';
import { Watcher, type Changed, type Pace, type WatchState } from './watcher.js';

export interface KubernetesView {
  readonly node: string;
  readonly pods: number;
  /** Services that are balanced. */
  readonly services: number;
  /** Pods that an annotation excludes, all of them or some ports, or that are only observed. */
  readonly optOuts: number;
  /** Annotations of pods for which there was no room among the selectors: these pods are accelerated. */
  readonly optOutsWithoutRoom: number;
  readonly watches: readonly WatchState[];
}

export interface PodView extends PodIdentity {
  readonly uid: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly addresses: readonly string[];
  /** Path of its cgroup below the v2 mount; '' when there is none (yet, or any more). */
  readonly cgroup: string;
  /** Annotations that exclude it, or have it observed. */
  readonly leftAlone: readonly string[];
}

export interface KubernetesParts {
  readonly config: Pick<Config, 'kubernetes'>;
  readonly place: Pick<HostPlace, 'name' | 'zone'>;
  readonly cgroupRoot: string;
  readonly scope: Pick<Scope, 'annotate' | 'crowded'>;
  readonly log: Log;
  readonly env?: NodeJS.ProcessEnv;
  readonly api?: Api;
  readonly pace?: Pace;
}

/** How long an agent that never reached the API server is not ready for it. */
const patienceMs = 30_000;

export class Kubernetes {
  readonly #pods = new Pods();
  readonly #node: string;
  readonly #wanted: Wanted;
  readonly #podWatch: Watcher<Pod>;
  readonly #services: Watcher<Service>;
  readonly #slices: Watcher<Slice>;
  readonly #mesh: KubernetesSource;
  readonly #optOuts: OptOuts;
  readonly #started = performance.now();
  #watchesSlices = false;

  constructor(private readonly parts: KubernetesParts) {
    const { config: { kubernetes }, place, cgroupRoot, scope, log, env = process.env, api, pace } = parts;
    const from = api ?? new Client(() => accessOf(kubernetes, env));
    this.#node = kubernetes.node === 'auto' ? (env['NODE_NAME'] ?? hostname()) : kubernetes.node;
    this.#wanted = kubernetes.services;
    this.#optOuts = new OptOuts(cgroupRoot, (rules) => {
      try {
        scope.annotate(rules);
      } catch (error) {
        log.error('pods that ask to be left alone could not be excluded', { because: describeError(error).message });
      }
    });
    this.#mesh = new KubernetesSource({
      service: (key) => this.#services.get(key), slice: (key) => this.#slices.get(key),
      ready: () => this.#services.wasSynced && (!this.#watchesSlices || this.#slices.wasSynced),
    }, this.#wanted, { node: this.#node, host: place.name, zone: place.zone });
    this.#podWatch = new Watcher(from, podsOf(this.#node), (changes) => { this.#podsChanged(changes); }, log, pace);
    this.#services = new Watcher(from, servicesOf(this.#wanted), (changes) => { this.#servicesChanged(changes); }, log, pace);
    this.#slices = new Watcher(from, slicesKind, (changes) => { this.#mesh.slices(changes); }, log, pace);
  }

  /** For the mesh. */
  get sources(): readonly Source[] { return this.#wanted === 'off' ? [] : [this.#mesh]; }

  start(): void {
    this.#podWatch.start();
    if (this.#wanted !== 'off') this.#services.start();
  }

  async stop(): Promise<void> {
    this.#optOuts.stop();
    await Promise.all([this.#podWatch.stop(), this.#services.stop(), this.#slices.stop()]);
  }

  /** Whose a cgroup is, by its path below the v2 mount; null: of no pod of this node. */
  podOf(cgroupPath: string): PodIdentity | null { return this.#pods.of(cgroupPath); }

  view(): KubernetesView {
    const meshed = this.#services.values().filter((service) => isMeshed(service, this.#wanted) && service.addresses.length > 0);
    return { node: this.#node, pods: this.#pods.size, services: meshed.length, optOuts: this.#optOuts.size, optOutsWithoutRoom: this.parts.scope.crowded.length, watches: this.#watches.map(({ state }) => state) };
  }

  /** Of this node, by name. */
  pods(): PodView[] {
    const cgroups = podCgroups(this.parts.cgroupRoot);
    return this.#pods.all().map((pod): PodView => {
      const { uid, namespace, name, workload, labels, addresses } = pod;
      const leftAlone = [...new Set(optOutsOf(pod).outs.map(({ annotation }) => annotation))];
      return { namespace, name, workload, uid, labels, addresses, cgroup: cgroups.get(uid) ?? '', leftAlone };
    }).sort((a, b) => a.namespace.localeCompare(b.namespace) || a.name.localeCompare(b.name));
  }

  /** '' once everything has been read, or when that cannot be waited for. */
  notReady(): string {
    const waits = this.#watches.find(({ wasSynced }) => !wasSynced);
    if (!waits || performance.now() - this.#started > patienceMs) return '';
    return `the ${waits.state.kind} of Kubernetes have not been read${waits.state.detail && `: ${waits.state.detail}`}`;
  }

  problems(): string[] {
    return [
      ...this.#watches.flatMap(({ state: { kind, detail, quietMs } }) => (detail === '' ? [] : [away(kind, detail, quietMs)])),
      ...(this.#podWatch.wasSynced && this.#pods.size === 0 ? [`no pod runs on node ${this.#node}; is that its name in Kubernetes (kubernetes.node)?`] : []),
      ...this.#optOuts.problems,
      ...this.#services.values().flatMap((service) => problemsOf(service, this.#wanted)),
    ];
  }

  get #watches(): readonly (Watcher<Pod> | Watcher<Service> | Watcher<Slice>)[] {
    return [this.#podWatch, ...(this.#wanted === 'off' ? [] : [this.#services]), ...(this.#watchesSlices ? [this.#slices] : [])];
  }

  #podsChanged(changes: readonly Changed<Pod>[]): void {
    for (const { before, now } of changes) this.#pods.change(before, now);
    this.#optOuts.set(this.#pods.all());
  }

  /** A cluster has many slices: without a service that is balanced nobody asks for them. */
  #servicesChanged(changes: readonly Changed<Service>[]): void {
    if (!this.#watchesSlices && this.#services.values().some((service) => isMeshed(service, this.#wanted))) {
      this.#watchesSlices = true;
      this.#slices.start();
    }
    this.#mesh.services(changes);
  }
}

function away(kind: string, detail: string, quietMs: number | undefined): string {
  const since = quietMs === undefined ? 'have never been read' : `are as of ${String(Math.round(quietMs / 1000))} s ago, and kept`;
  return `the ${kind} of Kubernetes ${since}: ${detail}`;
}
