/**
 * The registry: what this host says goes out, what the others say goes into the store, and a lease stands behind each. The
 * broker is believed as little as possible: after each reconnect, and from time to time, everything is read again; only
 * our own words coming back prove that we would hear others; and what vanishes without a word passes the guard.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { EndpointStore, Touched } from '../endpoints/store.js';
import type { EndpointRecord } from '../endpoints/types.js';
import { wordsOf } from '../errors.js';
import type { Log } from '../log.js';
import { LeaseClock } from './clock.js';
import { Inbound } from './inbound.js';
import { OwnRecords } from './own.js';
import { Speaker } from './speaker.js';
import type { RegistryOptions, RegistryState } from './state.js';
import { takeTurn } from './turn.js';
import type { BusLink, Connect, Watch } from './types.js';

const slowestMs = 30_000;
/** A full picture that makes no progress for so long is begun anew. */
const stuckMs = 5000;

/** Until what failed is tried again for the first time. */
const firstHurryMs = 500;

/** How often, and how long apart, a host that leaves tries to say so. */
const farewells = 20;
const farewellMs = 50;

export class Registry {
  readonly clock: LeaseClock;
  readonly own: OwnRecords;
  readonly #inbound: Inbound;
  readonly #speaker: Speaker;
  #link: BusLink | undefined;
  #watch: Watch | undefined;
  #state: RegistryState['state'] = 'connecting';
  #detail = 'not connected yet';
  /** On the steady clock; undefined: our own words do not come back. */
  #echoedAt: number | undefined;
  #watchedAt = -Infinity;
  /** Number of the sign of life that was written just before the watch began: it comes last of what was there. */
  #mark = Infinity;
  #rewrittenAt: number;
  #timer: NodeJS.Timeout | undefined;
  #retry: NodeJS.Timeout | undefined;
  #backoff = 0;
  #hurried = 0;
  #connection = 0;
  /** Number of the connection whose watch is being set up. */
  #restarting = 0;
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
    this.#speaker = new Speaker(this.own, () => ({ link: this.#link, connection: this.#connection, may: this.#hasTurn && this.claimedBy === 0 }), {
      refused: () => { this.#hurry(); },
      taken: () => { this.#hurried = 0; },
    }, log);
    this.#rewrittenAt = steady();
    this.#inbound = new Inbound(options, store, this.clock, {
      touched,
      ownAlive: (epoch, sequence) => { this.#echo(epoch, sequence); },
      ownRecord: (key, epoch) => { this.#ownRecord(key, epoch); },
      ownDeleted: (key) => { this.own.again(key); void this.#speaker.pump(); },
      ownKnown: (keys) => { this.own.reassert(keys); void this.#speaker.pump(); },
      missed: (host) => { this.#missed(host); },
    }, log, steady);
  }

  get state(): RegistryState {
    const { received, rejected, hosts, lastAt } = this.#inbound;
    const isDeaf = this.#state === 'synced' && this.#speaker.unsaid !== '';
    return {
      state: isDeaf ? 'degraded' : this.#state, detail: isDeaf ? this.#speaker.unsaid : this.#detail, server: this.#link?.server ?? '', hosts,
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
        await this.#speaker.pump();
        await sleep(farewellMs);
      }
    }
    this.#watch?.stop();
    await this.#link?.close().catch(() => undefined);
  }

  /** What this host stands for now. */
  publish(records: readonly EndpointRecord[]): void {
    this.own.set(records);
    void this.#speaker.pump();
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
    const why = wordsOf(error);
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
    const connection = this.#connection, link = this.#link;
    if (this.#restarting === connection || this.#stopped || !link) return;
    this.#restarting = connection;
    /** One that was under way when the connection went may end long after, and has nothing to say any more. */
    const isOver = (): boolean => connection !== this.#connection || this.#stopped;
    try {
      const before = this.#watch;
      this.#watch = undefined;
      // Never two at once: each would hand over everything (nats-double-subscription).
      before?.stop();
      await link.prepare();
      if (!this.#hasTurn) await takeTurn(link, this.own, this.options.cluster, this.log);
      this.#hasTurn = true;
      // First, so that it is in the picture: it tells where the picture ends, and how late it is for the server.
      const mark = await this.#speaker.alive();
      if (isOver()) return;
      this.#mark = mark ?? Infinity;
      void this.#speaker.pump();
      this.#inbound.begin();
      this.#watchedAt = this.steady();
      const watch = await link.watch({
        entry: (entry) => { if (!isOver()) this.#inbound.take(entry); },
        complete: () => { if (!isOver()) this.#complete(); },
        ended: (error) => {
          if (isOver()) return;
          this.log.debug('the watch ended', { error });
          this.#watchedAt = -Infinity;
        },
      });
      if (isOver()) { watch.stop(); return; }
      this.#watch = watch;
      this.#backoff = 0;
      this.#hurried = 0;
    } catch (error) {
      if (isOver()) return;
      if (this.#state !== 'degraded') this.log.warn('the bucket could not be read; it is tried again', { because: wordsOf(error) });
      this.#became('degraded', `cannot read: ${wordsOf(error)}`);
      this.#watchedAt = -Infinity;
      this.#hurry();
    } finally {
      if (this.#restarting === connection) this.#restarting = 0;
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
    void this.#speaker.pump();
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
      void this.#speaker.alive().then((sequence) => { if (this.#mark === Infinity) this.#mark = sequence ?? Infinity; });
      void this.#speaker.pump();
    }
    this.expire();
    this.#timer = setTimeout(() => { this.#tick(); }, reassertMs * (0.9 + Math.random() * 0.2)).unref();
  }

  /** A broker that has just come back may not be ready for us; one that refuses for long is asked less and less often. */
  #hurry(): void {
    if (this.#stopped) return;
    this.#hurried = Math.min(this.options.reassertMs, Math.max(firstHurryMs, this.#hurried * 2));
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => { this.#tick(); }, this.#hurried * (0.5 + Math.random() / 2)).unref();
  }

  #became(state: RegistryState['state'], detail: string): void {
    this.#state = state;
    this.#detail = detail;
  }
}
