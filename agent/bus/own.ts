/** What this host says: its records with their numbers, which of them the bus does not have yet, and why. Pure, but for writing them. */
import type { Stamp } from '../endpoints/store.js';
import type { EndpointRecord } from '../endpoints/types.js';
import { encodeAlive, encodeRecord, encodeWithdrawn } from './codec.js';
import { aliveKey, recordKey } from './keys.js';
import type { BusLink } from './types.js';

interface Own {
  /** Undefined: given up. */
  readonly record: EndpointRecord | undefined;
  readonly stamp: Stamp;
}

export class OwnRecords {
  readonly #own = new Map<string, Own>();
  readonly #dirty = new Set<string>();
  #sequence = 0;

  constructor(
    private readonly cluster: string,
    readonly host: string,
    private begun: number,
  ) {}

  /** Greater than that of any agent of this host before. */
  get epoch(): number { return this.begun; }

  /** An agent of this host was there with a later number: its clock was ahead, or ours is behind. */
  follow(epoch: number): void {
    if (epoch < this.begun) return;
    this.begun = epoch + 1;
    for (const [key, { record }] of this.#own) this.#write(key, record);
  }

  get size(): number { return [...this.#own.values()].filter(({ record }) => record).length; }
  get dirty(): string[] { return [...this.#dirty]; }

  /** All that this host stands for; what was there before and is not in it is given up. */
  set(records: readonly EndpointRecord[]): void {
    const wanted = new Map(records.map((record) => [recordKey(this.cluster, this.host, record.service, record.address, record.port), record]));
    for (const [key, { record }] of this.#own) if (record && !wanted.has(key)) this.#write(key, undefined);
    for (const [key, record] of wanted)
      if (JSON.stringify(this.#own.get(key)?.record) !== JSON.stringify(record)) this.#write(key, record);
  }

  /** Of an earlier agent of this host, and nobody stands for it any more. */
  disown(key: string): void {
    if (!this.#own.has(key)) this.#write(key, undefined);
  }

  has(key: string): boolean { return this.#own.get(key)?.record !== undefined; }

  /** The bus may have lost everything but what is known to be there. */
  reassert(known: ReadonlySet<string> = new Set()): void {
    for (const [key, { record }] of this.#own) if (record && !known.has(key)) this.#write(key, record);
  }

  /** Somebody else has deleted it. */
  again(key: string): void {
    const record = this.#own.get(key)?.record;
    if (record) this.#write(key, record);
  }

  withdraw(): void {
    this.set([]);
  }

  valueOf(key: string): Uint8Array {
    const own = this.#own.get(key);
    const stamp = own?.stamp ?? this.#stamp();
    return own?.record ? encodeRecord(own.record, stamp) : encodeWithdrawn(stamp);
  }

  stampOf(key: string): Stamp | undefined { return this.#own.get(key)?.stamp; }

  /** The bus has it, as it was when its number was this. */
  written(key: string, stamp: Stamp | undefined): void {
    const own = this.#own.get(key);
    if (!own || own.stamp !== stamp) return;
    this.#dirty.delete(key);
    if (!own.record) this.#own.delete(key);
  }

  alive(): { key: string; value: Uint8Array; sequence: number } {
    const stamp = this.#stamp();
    return { key: aliveKey(this.cluster, this.host), value: encodeAlive({ ...stamp, records: this.size }), sequence: stamp.sequence };
  }

  #stamp(): Stamp { return { epoch: this.epoch, sequence: ++this.#sequence }; }

  #write(key: string, record: EndpointRecord | undefined): void {
    this.#own.set(key, { record, stamp: this.#stamp() });
    this.#dirty.add(key);
  }
}

/** All at once; fails with the first that the bus refuses. */
export async function writeAll(link: BusLink, own: OwnRecords, keys: readonly string[]): Promise<void> {
  await Promise.all(keys.map(async (key) => {
    const stamp = own.stampOf(key);
    await link.put(key, own.valueOf(key));
    own.written(key, stamp);
  }));
}
