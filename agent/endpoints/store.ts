/**
 * What every source says, by key, and by service. Pure: no clock, no broker, no kernel. Each change answers with the keys
 * that it touched, so that one changed endpoint costs the work of one.
 */
import { Guard } from './guard.js';
import type { Entry, EndpointRecord, Origin } from './types.js';

/** What a record counts against an earlier one of the same key: the start of its agent, then its number. */
export interface Stamp {
  readonly epoch: number;
  readonly sequence: number;
}

export interface Touched {
  readonly service: string;
  readonly key: string;
}

interface Kept extends Entry {
  record: EndpointRecord;
  origin: Origin;
  held: boolean;
  stamp: Stamp;
  /** On the lease clock; only of `bus` and `before`. */
  until: number;
}

const newer = (a: Stamp, b: Stamp): boolean => a.epoch > b.epoch || (a.epoch === b.epoch && a.sequence >= b.sequence);
const leased = (origin: Origin): boolean => origin === 'bus' || origin === 'before';
const zero: Stamp = { epoch: 0, sequence: 0 };

const same = (a: EndpointRecord, b: EndpointRecord): boolean =>
  (Object.keys(a) as (keyof EndpointRecord)[]).every((field) => a[field] === b[field]);

export class EndpointStore {
  readonly #entries = new Map<string, Kept>();
  readonly #services = new Map<string, Set<string>>();
  /** Keys of each owner, so that a sign of life renews them without a search. */
  readonly #owners = new Map<string, Set<string>>();
  #leases = 0;
  #held = 0;
  /** No lease ends before this. */
  #earliest = Infinity;
  /** Records that found no room. */
  refused = 0;

  constructor(
    private readonly most: number,
    readonly guard: Guard = new Guard(30),
  ) {}

  get size(): number { return this.#entries.size; }
  get leases(): number { return this.#leases; }
  get held(): number { return this.#held; }
  get(key: string): Entry | undefined { return this.#entries.get(key); }
  keysOf(service: string): ReadonlySet<string> { return this.#services.get(service) ?? new Set(); }
  of(service: string): Entry[] { return [...this.keysOf(service)].map((key) => this.#entries.get(key) as Entry); }
  services(): string[] { return [...this.#services.keys()]; }
  owners(): string[] { return [...this.#owners.keys()]; }
  ownedBy(owner: string): number { return this.#owners.get(owner)?.size ?? 0; }

  /** Own knowledge of this host: no lease. */
  put(key: string, record: EndpointRecord, origin: 'config' | 'local', owner = ''): Touched[] {
    return this.#write(key, record, origin, owner, zero, Infinity);
  }

  remove(key: string): Touched[] {
    const entry = this.#entries.get(key);
    return entry && !leased(entry.origin) ? this.#drop(entry) : [];
  }

  /** Told by its owner. A record that is older than what is known changes nothing (nats-stale-value-after-node-restart). */
  tell(key: string, record: EndpointRecord, owner: string, stamp: Stamp, until: number): Touched[] {
    const known = this.#entries.get(key);
    if (known && leased(known.origin) && !newer(stamp, known.stamp)) return [];
    if (known && !leased(known.origin)) return [];
    return this.#write(key, record, 'bus', owner, stamp, Math.max(until, known?.until ?? 0));
  }

  /** Found in the pins of an earlier agent. */
  inherit(key: string, record: EndpointRecord, until: number): Touched[] {
    return this.#entries.has(key) ? [] : this.#write(key, record, 'before', record.host, zero, until);
  }

  /** The owner gives its record up, in so many words. */
  withdraw(key: string, stamp: Stamp): Touched[] {
    const entry = this.#entries.get(key);
    return entry && leased(entry.origin) && newer(stamp, entry.stamp) ? this.#drop(entry) : [];
  }

  /** The record was deleted, and nobody said why: one is believed, many at once are held until their leases end. */
  vanish(key: string, now: number): Touched[] {
    const entry = this.#entries.get(key);
    if (entry?.origin !== 'bus' || entry.held) return [];
    if (this.guard.allows(this.#leases, now)) return this.#drop(entry);
    this.#hold(entry);
    return [];
  }

  /**
   * Everything that the bus knows now. What is not in it is held, however little it is: whoever gives an endpoint up says so, a
   * host that has gone is told by its lease, and a broker that lost its store has lost one endpoint as easily as many.
   */
  compare(known: ReadonlySet<string>): void {
    for (const entry of this.#entries.values()) if (entry.origin === 'bus' && !known.has(entry.key)) this.#hold(entry);
  }

  /** A sign of life of an owner: whatever it said in that life is good until then. */
  renew(owner: string, epoch: number, until: number): void {
    for (const key of this.#owners.get(owner) ?? []) {
      const entry = this.#entries.get(key);
      if (entry?.origin === 'bus' && !entry.held && entry.stamp.epoch === epoch) entry.until = Math.max(entry.until, until);
    }
  }

  /** What is left of a promise, known better than when it came. */
  promise(key: string, until: number): void {
    const entry = this.#entries.get(key);
    if (entry?.origin !== 'bus' || entry.held) return;
    entry.until = until;
    this.#earliest = Math.min(this.#earliest, until);
  }

  /** What nobody stands for any more. */
  expire(now: number): Touched[] {
    // Renewals only push ends away: until the earliest end that was ever promised, there is nothing to look for.
    if (now < this.#earliest) return [];
    const over: Kept[] = [];
    this.#earliest = Infinity;
    for (const entry of this.#entries.values()) {
      if (entry.until <= now) over.push(entry);
      else this.#earliest = Math.min(this.#earliest, entry.until);
    }
    return over.flatMap((entry) => this.#drop(entry));
  }

  #write(key: string, record: EndpointRecord, origin: Origin, owner: string, stamp: Stamp, until: number): Touched[] {
    const known = this.#entries.get(key);
    if (known) {
      // An endpoint may move from one service to another, or from one owner to another.
      if (known.record.service !== record.service || known.owner !== owner || known.origin !== origin)
        return [...this.#drop(known), ...this.#write(key, record, origin, owner, stamp, until)];
      const changed = !same(known.record, record);
      this.#held -= known.held ? 1 : 0;
      this.#earliest = Math.min(this.#earliest, until);
      Object.assign(known, { record, stamp, until, held: false });
      return changed ? [{ service: record.service, key }] : [];
    }
    if (this.#entries.size >= this.most) {
      this.refused++;
      return [];
    }
    this.#entries.set(key, { key, record, origin, owner, held: false, stamp, until });
    this.#leases += leased(origin) ? 1 : 0;
    this.#earliest = Math.min(this.#earliest, until);
    grouped(this.#services, record.service).add(key);
    if (leased(origin)) grouped(this.#owners, owner).add(key);
    return [{ service: record.service, key }];
  }

  #hold(entry: Kept): void {
    this.#held += entry.held ? 0 : 1;
    entry.held = true;
  }

  #drop(entry: Kept): Touched[] {
    this.#entries.delete(entry.key);
    this.#held -= entry.held ? 1 : 0;
    this.#leases -= leased(entry.origin) ? 1 : 0;
    ungroup(this.#services, entry.record.service, entry.key);
    ungroup(this.#owners, entry.owner, entry.key);
    return [{ service: entry.record.service, key: entry.key }];
  }
}

function grouped(groups: Map<string, Set<string>>, name: string): Set<string> {
  const known = groups.get(name);
  if (known) return known;
  const fresh = new Set<string>();
  groups.set(name, fresh);
  return fresh;
}

function ungroup(groups: Map<string, Set<string>>, name: string, key: string): void {
  const group = groups.get(name);
  group?.delete(key);
  if (group?.size === 0) groups.delete(name);
}
