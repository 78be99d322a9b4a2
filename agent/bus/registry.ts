/**
 * The registry: what this host says goes out, what the others say goes into the store, and a lease stands behind each. The
 * broker is believed as little as possible: after each reconnect, and from time to time, everything is read again; only
 * our own words coming back prove that we would hear others; and what vanishes without a word passes the guard.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { EndpointStore, Touched } from '../endpoints/store.js';
import type { EndpointRecord } from '../endpoints/types.js';
import type { Log } from '../log.js';
import { LeaseClock } from './clock.js';
import { Inbound } from './inbound.js';
import { OwnRecords, writeAll } from './own.js';
import type { RegistryOptions, RegistryState } from './state.js';
import { takeTurn } from './turn.js';
import type { BusLink, Connect, Watch } from './types.js';

/** Writes under way at once. */
const window = 64;
const slowestMs = 30_000;
/** A full picture that makes no progress for so long is begun anew. */
const stuckMs = 5000;

/** How often, and how long apart, a host that leaves tries to say so. */
const farewells = 20;
const farewellMs = 50;

const words = (error: unknown): string => (error instanceof Error ? error.message : String(error));

export class Registry {
  readonly clock: LeaseClock;
  readonly own: OwnRecords;
  readonly #inbound: Inbound;
  #link: BusLink | undefined;
  #watch: Watch | undefined;
  #state: RegistryState['state'] = 'connecting';
  #detail = 'not connected yet';
  /** Why the bus does not have all that this host says; '' when it does. */
  #unsaid = '';
  /** On the steady clock; undefined: our own words do not come back. */
  #echoedAt: number | undefined;
  #watchedAt = -Infinity;
  /** Number of the sign of life that was written just before the watch began: it comes last of what was there. */
  #mark = Infinity;
  #rewrittenAt: number;
  #timer: NodeJS.Timeout | undefined;
  #retry: NodeJS.Timeout | undefined;
  #backoff = 0;
  /** Number of the connection whose writes are under way; those of an earlier one only end by time-out. */
  #pumping = 0;
  #connection = 0;
  #restarting = false;
  #stopped = false;
  #counts = { reconnects: 0, compares: 0, mismatches: 0 };
  /** This agent's number is later than that of any agent of this host before it: it may speak. */
  #hasTurn = false;
  /** Everything has been read once. */
  wasSynced = false;
  /** Another agent says that it is this host, and began later; 0: nobody. */
  claimedBy = 0;

  constructor(
    private readonly connect: Connect,
    private readonly store: EndpointStore,
    private readonly options: RegistryOptions,
    private readonly touched: (touched: readonly Touched[]) => void,
    private readonly log: Log,
    private readonly steady: () => number = () => performance.now(),
  ) {
    this.clock = new LeaseClock(steady);
    this.own = new OwnRecords(options.cluster, options.host, Date.now());
    this.#rewrittenAt = steady();
    this.#inbound = new Inbound(options, store, this.clock, {
      touched,
      ownAlive: (epoch, sequence) => { this.#echo(epoch, sequence); },
      ownRecord: (key, epoch) => { this.#ownRecord(key, epoch); },
      ownKnown: (keys) => { this.own.reassert(keys); void this.#pump(); },
      missed: (host) => { this.#missed(host); },
    }, log, steady);
  }

  get state(): RegistryState {
    const { received, rejected, hosts, lastAt } = this.#inbound;
    const isDeaf = this.#state === 'synced' && this.#unsaid !== '';
    return {
      state: isDeaf ? 'degraded' : this.#state, detail: isDeaf ? this.#unsaid : this.#detail, server: this.#link?.server ?? '', hosts,
      published: this.own.size, unpublished: this.own.dirty.length, received, rejected, held: this.store.held,
      quietMs: lastAt === undefined ? undefined : this.steady() - lastAt, ...this.#counts,
    };
  }

  start(): void {
    void this.#open();
    this.#tick();
  }

  /** Tells the others, if asked to, that this host's endpoints go; then ends. */
  async stop(withdraw: boolean): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#retry);
    if (withdraw && this.#link && this.#hasTurn) {
      this.own.withdraw();
      // A pump that is under way takes them along.
      for (let tries = 0; this.own.dirty.length > 0 && tries < farewells; tries++) {
        await this.#pump();
        await sleep(farewellMs);
      }
    }
    this.#watch?.stop();
    await this.#link?.close().catch(() => undefined);
  }

  /** What this host stands for now. */
  publish(records: readonly EndpointRecord[]): void {
    this.own.set(records);
    void this.#pump();
  }

  /** Leases run out on time, also between signs of life. */
  expire(): void {
    this.touched(this.store.expire(this.clock.now));
    this.#inbound.forget();
  }

  async #open(): Promise<void> {
    try {
      const link = await this.connect({
        lost: (why) => { this.#became('degraded', `the connection is away: ${why}`); this.#silence(); },
        regained: (server) => {
          this.#counts.reconnects++;
          this.log.info('back on the bus', { server });
          this.#begin();
        },
        closed: (error) => { this.#fail(error); },
      });
      if (this.#stopped) { await link.close(); return; }
      this.#link = link;
      this.log.info('on the bus', { server: link.server });
      this.#begin();
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    if (this.#stopped) return;
    const why = words(error);
    if (this.#detail !== why) this.log.warn('no bus; the last endpoints stay, and so does all that runs', { because: why });
    this.#became(this.wasSynced ? 'degraded' : 'connecting', why);
    this.#silence();
    this.#link = undefined;
    this.#watch = undefined;
    // A fleet that lost its broker must not come back all at once.
    this.#backoff = Math.min(slowestMs, Math.max(500, this.#backoff * 2));
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => { void this.#open(); }, this.#backoff * (0.5 + Math.random())).unref();
  }

  /** After each connect: say everything again, and read everything again. */
  #begin(): void {
    this.#connection++;
    this.#became('syncing', 'reading all endpoints');
    this.own.reassert();
    void this.#restartWatch();
  }

  async #restartWatch(): Promise<void> {
    if (this.#restarting || this.#stopped || !this.#link) return;
    this.#restarting = true;
    try {
      const link = this.#link, before = this.#watch;
      this.#watch = undefined;
      // Never two at once: each would hand over everything (nats-double-subscription).
      before?.stop();
      await link.prepare();
      if (!this.#hasTurn) await takeTurn(link, this.own, this.options.cluster, this.log);
      this.#hasTurn = true;
      // First, so that it is in the picture: it tells where the picture ends, and how late it is for the server.
      this.#mark = (await this.#sayAlive()) ?? Infinity;
      void this.#pump();
      this.#inbound.begin();
      this.#watchedAt = this.steady();
      this.#watch = await link.watch({
        entry: (entry) => { this.#inbound.take(entry); },
        complete: () => { this.#complete(); },
        ended: (error) => { this.log.debug('the watch ended', { error }); this.#watchedAt = -Infinity; },
      });
      this.#backoff = 0;
    } catch (error) {
      if (this.#state !== 'degraded') this.log.warn('the bucket could not be read; it is tried again', { because: words(error) });
      this.#became('degraded', `cannot read: ${words(error)}`);
      this.#watchedAt = -Infinity;
    } finally {
      this.#restarting = false;
    }
  }

  #complete(): void {
    if (!this.#inbound.reading) return;
    this.#inbound.complete();
    this.#counts.compares++;
    this.#became('synced', '');
    this.wasSynced = true;
  }

  #echo(epoch: number, sequence: number): void {
    if (epoch > this.own.epoch) {
      if (this.claimedBy !== epoch) this.log.error('another agent says that it is this host; give each a host.name of its own', { host: this.options.host });
      this.claimedBy = epoch;
    } else if (epoch === this.own.epoch) {
      // Our own words have come back: the way there and back works.
      this.#echoedAt = this.steady();
      this.clock.alive = true;
      // The server's own count of what is left does not always come down to nothing (nats-watchall-cliff).
      if (sequence >= this.#mark) this.#complete();
    }
  }

  /** Left by an earlier agent of this host, and nobody stands for it any more. */
  #ownRecord(key: string, epoch: number): void {
    if (epoch >= this.own.epoch || this.own.has(key)) return;
    this.own.disown(key);
    void this.#pump();
  }

  #missed(host: string): void {
    this.#counts.mismatches++;
    this.log.warn('a host has more endpoints than have arrived; everything is read again', { host });
    this.#watchedAt = -Infinity;
  }

  /** Nothing of what others say would reach us: their leases stand still. */
  #silence(): void {
    this.clock.alive = false;
    this.#echoedAt = undefined;
  }

  #tick(): void {
    if (this.#stopped) return;
    const { reassertMs, compareMs, rewriteMs } = this.options;
    const now = this.steady();
    if (this.#echoedAt !== undefined && now - this.#echoedAt > 2.5 * reassertMs) {
      this.#silence();
      this.#became('degraded', 'what this host says does not come back');
      this.#watchedAt = -Infinity;
    }
    if (this.#link) {
      if (now - this.#rewrittenAt > rewriteMs) {
        this.#rewrittenAt = now;
        this.own.reassert();
      }
      // Heartbeats of the client do not count: only entries are progress (nats-stalled-flow-control).
      const isStuck = this.#inbound.reading && now - Math.max(this.#inbound.lastAt ?? 0, this.#watchedAt) > stuckMs;
      if (now - this.#watchedAt > compareMs || isStuck) void this.#restartWatch();
      // Where the first could not be written, as just after a reconnect, this one marks the end of the picture.
      void this.#sayAlive().then((sequence) => { if (this.#mark === Infinity) this.#mark = sequence ?? Infinity; });
      void this.#pump();
    }
    this.expire();
    this.#timer = setTimeout(() => { this.#tick(); }, reassertMs * (0.9 + Math.random() * 0.2)).unref();
  }

  /** Resolves to its number when the bus has it. */
  async #sayAlive(): Promise<number | undefined> {
    if (!this.#link || !this.#hasTurn || this.claimedBy > 0) return undefined;
    const { key, value, sequence } = this.own.alive();
    const connection = this.#connection;
    try {
      await this.#link.put(key, value);
      return sequence;
    } catch (error) {
      if (connection === this.#connection) this.#unwritten(error);
      return undefined;
    }
  }

  /** Writes what the bus does not have, many at a time, and stops at the first refusal until the next tick. */
  async #pump(): Promise<void> {
    const connection = this.#connection;
    if (this.#pumping === connection || !this.#hasTurn || this.claimedBy > 0) return;
    this.#pumping = connection;
    try {
      for (let link = this.#link, dirty = this.own.dirty; link && dirty.length > 0 && connection === this.#connection; link = this.#link, dirty = this.own.dirty)
        await writeAll(link, this.own, dirty.slice(0, window));
      if (this.#link) this.#unsaid = '';
    } catch (error) {
      if (connection === this.#connection) this.#unwritten(error);
    } finally {
      if (this.#pumping === connection) this.#pumping = 0;
    }
  }

  #unwritten(error: unknown): void {
    if (this.#stopped) return;
    if (this.#unsaid === '') this.log.warn('the bus does not take what this host says; it is tried again', { because: words(error) });
    this.#unsaid = `cannot write: ${words(error)}`;
  }

  #became(state: RegistryState['state'], detail: string): void {
    this.#state = state;
    this.#detail = detail;
  }
}
