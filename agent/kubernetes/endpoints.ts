/** Services and slices into the mesh. What changes is said for the services that it touches, once for all of a moment. */
import type { ServiceConfig } from '../../config/service-types.js';
import type { Report, Source } from '../endpoints/sources/types.js';
import type { EndpointRecord } from '../endpoints/types.js';
import { isMeshed, partsOf, type Node, type Wanted } from './services.js';
import type { Service, Slice } from './types.js';
import type { Changed } from './watcher.js';

/** So long is waited for more of the same: a rollout touches a service many times. */
const gatherMs = 20;

export interface Lookup {
  service(key: string): Service | undefined;
  slice(key: string): Slice | undefined;
  /** Services and slices have been read. */
  ready(): boolean;
}

export class KubernetesSource implements Source {
  readonly name = 'kubernetes';
  readonly origin = 'config';
  readonly brings = true;
  #report: Report | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** Names of slices, by service. */
  readonly #slices = new Map<string, Set<string>>();
  readonly #configs = new Map<string, readonly ServiceConfig[]>();
  readonly #dirty = new Set<string>();
  #hasSpoken = false;

  constructor(private readonly lookup: Lookup, private readonly wanted: Wanted, private readonly here: Node) {}

  start(report: Report): void {
    this.#report = report;
    this.#gather();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#report = undefined;
  }

  services(changes: readonly Changed<Service>[]): void {
    for (const { key } of changes) this.#dirty.add(key);
    this.#gather();
  }

  slices(changes: readonly Changed<Slice>[]): void {
    for (const { key, before, now } of changes) {
      if (before && before.service !== now?.service) this.#slicesOf(before.service).delete(key);
      if (now) this.#slicesOf(now.service).add(key);
      for (const service of [before?.service, now?.service]) if (service !== undefined) this.#dirty.add(service);
    }
    this.#gather();
  }

  #slicesOf(service: string): Set<string> {
    const known = this.#slices.get(service) ?? new Set();
    this.#slices.set(service, known);
    return known;
  }

  #gather(): void {
    if (!this.#report) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#tell();
    }, gatherMs).unref();
  }

  /** Not before everything has been read: a service without its endpoints would refuse connections. */
  #tell(): void {
    if (!this.lookup.ready() || !this.#report) return;
    const parts = new Map<string, readonly EndpointRecord[]>();
    let changed = !this.#hasSpoken;
    for (const key of this.#dirty) {
      const before = this.#configs.get(key) ?? [];
      const now = this.#partsOf(key);
      for (const { name } of before) parts.set(name, []);
      for (const { config, records } of now) parts.set(config.name, records);
      const configs = now.map(({ config }) => config);
      if (JSON.stringify(before) !== JSON.stringify(configs)) changed = true;
      if (configs.length > 0) this.#configs.set(key, configs);
      else this.#configs.delete(key);
      if (this.#slices.get(key)?.size === 0) this.#slices.delete(key);
    }
    this.#dirty.clear();
    this.#hasSpoken = true;
    if (changed || parts.size > 0) this.#report(parts, changed ? [...this.#configs.values()].flat() : undefined);
  }

  #partsOf(key: string): ReturnType<typeof partsOf> {
    const service = this.lookup.service(key);
    if (!service || !isMeshed(service, this.wanted)) return [];
    const slices = [...(this.#slices.get(key) ?? [])].flatMap((name) => this.lookup.slice(name) ?? []);
    return partsOf(service, slices, this.here);
  }
}
