/**
 * Profiles over the bus: each host says what its programs have shown, under keys of its own, again and again; and hears
 * the others. A bus that is away costs the learning that it would have spared, and nothing else.
 */
import type { ProfileExchange, SharedProfile } from '../guard/exchange.js';
import { decodeShared, encodeShared, keyOf, parseSharedKey } from '../guard/exchange.js';
import { wordsOf } from '../errors.js';
import type { Log } from '../log.js';
import type { BusEntry, BusLink, Connect, Watch } from './types.js';

export interface BusProfilesOptions {
  readonly cluster: string;
  readonly host: string;
  /** How often this host says again what it has said, and reads again what others say, milliseconds. */
  readonly againMs: number;
}

interface Heard {
  readonly profile: SharedProfile;
  /** When it was written, by the server's clock: reading a word again does not make it new. */
  readonly at: number;
  /** On the steady clock. */
  readonly until: number;
}

/** Bounds the memory for what others say. */
export const MOST_HEARD = 8192;
const slowestMs = 30_000;
/** A full picture of profiles is small; each host has a handful. */
const settleMs = 100;

export class BusProfiles implements ProfileExchange {
  #link: BusLink | undefined;
  #watch: Watch | undefined;
  readonly #own = new Map<string, SharedProfile>();
  readonly #dirty = new Set<string>();
  readonly #heard = new Map<string, Heard>();
  #listener: ((profiles: readonly SharedProfile[]) => void) | undefined;
  #telling: NodeJS.Timeout | undefined;
  #retry: NodeJS.Timeout | undefined;
  #again: NodeJS.Timeout | undefined;
  #pumping: Promise<void> | undefined;
  #backoff = 0;
  /** Number of the latest begin(). */
  #turn = 0;
  #stopped = false;
  /** Why nothing is exchanged; '' when it is. */
  problem = 'not connected yet';
  /** Entries that were not believed. */
  rejected = 0;

  constructor(
    private readonly connect: Connect,
    private readonly options: BusProfilesOptions,
    private readonly log: Log,
    private readonly steady: () => number = () => performance.now(),
  ) {}

  start(): void {
    void this.#open();
    this.#again = setInterval(() => {
      // Also the watch: one that is silently dead looks like hosts with nothing to say.
      void this.#begin();
      // What has not been said again has lapsed.
      this.#tell();
    }, this.options.againMs).unref();
  }

  /** What this host has said stands for its lease: it was true, and stays so without an agent. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#again);
    clearTimeout(this.#retry);
    clearTimeout(this.#telling);
    await this.#pumping;
    this.#watch?.stop();
    await this.#link?.close().catch(() => undefined);
  }

  async publish(profiles: readonly SharedProfile[]): Promise<void> {
    const now = new Map(profiles.map((profile) => [keyOf(this.options.cluster, profile), profile]));
    for (const key of this.#own.keys()) if (!now.has(key)) this.#dirty.add(key);
    for (const [key, profile] of now) if (this.#own.get(key)?.sequence !== profile.sequence) this.#dirty.add(key);
    this.#own.clear();
    for (const [key, profile] of now) this.#own.set(key, profile);
    await this.#pump();
  }

  receive(listener: (profiles: readonly SharedProfile[]) => void): () => void {
    this.#listener = listener;
    this.#tell();
    return () => { this.#listener = undefined; };
  }

  async #open(): Promise<void> {
    try {
      const link = await this.connect({
        lost: (why) => { this.problem = `the connection is away: ${why}`; },
        regained: () => { void this.#begin(); },
        closed: (error) => { this.#fail(error); },
      });
      if (this.#stopped) { await link.close(); return; }
      this.#link = link;
      await this.#begin();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** After each connect, and now and then: everything is said, and read, again. */
  async #begin(): Promise<void> {
    const link = this.#link, turn = ++this.#turn;
    if (!link || this.#stopped) return;
    try {
      this.#watch?.stop();
      this.#watch = undefined;
      await link.prepare();
      const watch = await link.watch({
        entry: (entry) => { this.#take(entry); },
        complete: () => undefined,
        ended: (error) => { if (turn === this.#turn) this.#restart(link, error); },
      });
      // A later one has begun meanwhile: there must be one watch only.
      if (turn !== this.#turn) { watch.stop(); return; }
      this.#watch = watch;
      this.problem = '';
      this.#backoff = 0;
      for (const key of this.#own.keys()) this.#dirty.add(key);
      await this.#pump();
    } catch (error) {
      if (turn === this.#turn) this.#restart(link, error);
    }
  }

  #restart(link: BusLink, error: unknown): void {
    if (this.#stopped || link !== this.#link) return;
    this.#complain(error);
    this.#later(() => { void this.#begin(); });
  }

  #fail(error: unknown): void {
    if (this.#stopped) return;
    this.#link = undefined;
    this.#watch = undefined;
    this.#complain(error);
    this.#later(() => { void this.#open(); });
  }

  #later(what: () => void): void {
    this.#backoff = Math.min(slowestMs, Math.max(500, this.#backoff * 2));
    clearTimeout(this.#retry);
    this.#retry = setTimeout(what, this.#backoff * (0.5 + Math.random())).unref();
  }

  #complain(error: unknown): void {
    const why = wordsOf(error);
    if (this.problem !== why) this.log.warn('profiles are not exchanged with other hosts; they are learned here', { because: why });
    this.problem = why;
  }

  #take({ key, value, at: written }: BusEntry): void {
    const at = parseSharedKey(this.options.cluster, key);
    if (at?.host === this.options.host) return;
    if (!value) {
      if (this.#heard.delete(key)) this.#tell();
      return;
    }
    const profile = at && decodeShared(value, at);
    const before = this.#heard.get(key);
    if (profile && before?.at === written && before.profile.sequence === profile.sequence) return;
    const isFull = !before && this.#heard.size >= MOST_HEARD;
    if (!profile || isFull || (before && profile.sequence < before.profile.sequence)) {
      this.rejected++;
      this.log.debug('a profile from the bus is not believed', { key });
      return;
    }
    this.#heard.set(key, { profile, at: written, until: this.steady() + profile.leaseMs });
    if (before?.profile.sequence !== profile.sequence) this.#tell();
  }

  /** Many come at once. */
  #tell(): void {
    this.#telling ??= setTimeout(() => {
      this.#telling = undefined;
      const now = this.steady();
      for (const [key, { until }] of this.#heard) if (until < now) this.#heard.delete(key);
      this.#listener?.([...this.#heard.values()].map(({ profile }) => profile));
    }, settleMs).unref();
  }

  #pump(): Promise<void> {
    this.#pumping ??= this.#writeAll().finally(() => { this.#pumping = undefined; });
    return this.#pumping;
  }

  /** What cannot be written is written with the next change, connection or round. */
  async #writeAll(): Promise<void> {
    while (this.#link && this.#dirty.size > 0) {
      const [key = ''] = this.#dirty;
      const profile = this.#own.get(key);
      try {
        await (profile ? this.#link.put(key, encodeShared(profile)) : this.#link.remove(key));
      } catch (error) {
        if (!this.#stopped) this.#complain(error);
        return;
      }
      if (this.#own.get(key) === profile) this.#dirty.delete(key);
    }
  }
}
