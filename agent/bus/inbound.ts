/** What the bus hands over, key by key: into the store, if it can be believed. */
import type { EndpointStore, Touched } from '../endpoints/store.js';
import type { Log } from '../log.js';
import type { LeaseClock } from './clock.js';
import { decodeAlive, decodeTold } from './codec.js';
import { endpointToken, parseKey, type ParsedKey } from './keys.js';
import type { BusEntry } from './types.js';

export interface InboundOptions {
  readonly cluster: string;
  readonly host: string;
  readonly leaseMs: number;
}

export interface InboundListener {
  touched(touched: readonly Touched[]): void;
  /** A sign of life under this host's own name. */
  ownAlive(epoch: number, sequence: number): void;
  /** A record under this host's own name. */
  ownRecord(key: string, epoch: number): void;
  /** A record of this host was deleted, by somebody else: it gives up in words. */
  ownDeleted(key: string): void;
  /** Everything has been read, and these keys of our own were in it. */
  ownKnown(keys: ReadonlySet<string>): void;
  /** A host stands for more records than have arrived. */
  missed(host: string): void;
}

interface Owner {
  epoch: number;
  /** On the clock of leases. */
  heardAt: number;
  /** When its last sign of life was written, by the server's clock. */
  at: number;
  /** Signs of life in a row that named more records than are here, and how many of them are too many. */
  short: number;
  patience: number;
}

interface Snapshot {
  /** When each record was written. */
  readonly records: Map<string, { host: string; epoch: number; at: number }>;
  readonly own: Set<string>;
}

const firstPatience = 3;
const longestPatience = 300;

export class Inbound {
  readonly #owners = new Map<string, Owner>();
  #snapshot: Snapshot | undefined;
  /** Newest time that the server has told, to see how old something is on its own clock. */
  #serverNow = 0;
  /** On the steady clock; undefined: nothing has come yet. */
  lastAt: number | undefined;
  received = 0;
  rejected = 0;

  constructor(
    private readonly options: InboundOptions,
    private readonly store: EndpointStore,
    private readonly clock: LeaseClock,
    private readonly listener: InboundListener,
    private readonly log: Log,
    private readonly steady: () => number,
  ) {}

  get hosts(): number { return this.#owners.size; }
  get reading(): boolean { return this.#snapshot !== undefined; }

  /** From here on until complete(), everything that there is comes. */
  begin(): void {
    this.#snapshot = { records: new Map(), own: new Set() };
  }

  complete(): void {
    const known = this.#snapshot;
    if (!known) return;
    this.#snapshot = undefined;
    // Only now is it known how late it is for the server, and so what is left of each promise.
    for (const [key, { host, epoch, at }] of known.records) {
      const owner = this.#owners.get(host);
      const sign = owner?.epoch === epoch ? Math.max(at, owner.at) : at;
      this.store.promise(key, this.clock.now + this.#left(sign));
    }
    const before = this.store.held;
    this.store.compare(new Set(known.records.keys()));
    if (this.store.held > before) this.log.warn('the bus lacks endpoints that it had; they are kept until their leases run out', { endpoints: this.store.held });
    this.listener.ownKnown(known.own);
  }

  /** Hosts that have gone: one of that name may come back with another clock, and names must not pile up. */
  forget(): void {
    for (const [host, { heardAt }] of this.#owners) if (this.clock.now - heardAt > this.options.leaseMs) this.#owners.delete(host);
  }

  take(entry: BusEntry): void {
    this.lastAt = this.steady();
    this.#serverNow = Math.max(this.#serverNow, entry.at);
    const key = parseKey(this.options.cluster, entry.key);
    if (!key) { this.rejected++; return; }
    this.received++;
    if (key.host === this.options.host) this.#takeOwn(entry, key);
    else if (key.kind === 'alive') this.#takeAlive(entry, key.host);
    else this.#takeRecord(entry, key);
  }

  #takeRecord(entry: BusEntry, key: ParsedKey & { kind: 'record' }): void {
    if (!entry.value) {
      this.#vanish(entry.key);
      return;
    }
    const told = decodeTold(entry.value);
    if (told?.kind === 'withdrawn') {
      this.listener.touched(this.store.withdraw(entry.key, told.stamp));
      return;
    }
    const record = told?.record;
    // A host speaks for itself, and a key for what is in it.
    if (!told || !record || record.host !== key.host || record.service !== key.service || endpointToken(record.address, record.port) !== key.endpoint) {
      this.rejected++;
      return;
    }
    this.#snapshot?.records.set(entry.key, { host: key.host, epoch: told.stamp.epoch, at: entry.at });
    this.listener.touched(this.store.tell(entry.key, record, key.host, told.stamp, this.clock.now + this.#left(entry.at)));
  }

  #takeAlive(entry: BusEntry, host: string): void {
    const alive = entry.value && decodeAlive(entry.value);
    if (!alive) {
      this.rejected += entry.value ? 1 : 0;
      return;
    }
    const owner = this.#owners.get(host) ?? { epoch: 0, heardAt: 0, at: 0, short: 0, patience: firstPatience };
    // Of an earlier life: whatever it promised is over (a replay, or a replica that lags).
    if (alive.epoch < owner.epoch) return;
    owner.epoch = alive.epoch;
    owner.at = entry.at;
    owner.heardAt = this.clock.now;
    this.#owners.set(host, owner);
    this.store.renew(host, alive.epoch, this.clock.now + this.#left(entry.at));
    if (this.#snapshot) return;
    owner.short = this.store.ownedBy(host) < alive.records ? owner.short + 1 : 0;
    if (owner.short < owner.patience) return;
    owner.short = 0;
    // If reading again does not help, it is not asked for ever.
    owner.patience = Math.min(longestPatience, owner.patience * 2);
    this.listener.missed(host);
  }

  #takeOwn(entry: BusEntry, key: ParsedKey): void {
    if (!entry.value) {
      this.listener.ownDeleted(entry.key);
      return;
    }
    if (key.kind === 'alive') {
      const alive = decodeAlive(entry.value);
      if (alive) this.listener.ownAlive(alive.epoch, alive.sequence);
      return;
    }
    const told = decodeTold(entry.value);
    this.#snapshot?.own.add(entry.key);
    if (told?.kind === 'record') this.listener.ownRecord(entry.key, told.stamp.epoch);
  }

  /** How much of a lease is left of something that was written then, by the server's own clock. */
  #left(at: number): number {
    return Math.max(0, this.options.leaseMs - Math.max(0, this.#serverNow - at));
  }

  #vanish(key: string): void {
    const { guard } = this.store;
    const before = guard.held;
    this.listener.touched(this.store.vanish(key, this.steady()));
    if (guard.held > before && guard.held % 100 === 1)
      this.log.error('many endpoints vanish from the bus at once; they are kept until their leases run out', { endpoints: this.store.held });
  }
}
