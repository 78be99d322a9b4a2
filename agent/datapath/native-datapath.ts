/** The datapath of this host: the addon behind the interface that the rest of the agent knows. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../log.js';
import type { NativeDatapath, NativeRetirePass } from '../../native/index.js';
import { Finder } from './finder.js';
import { Repeater } from './repeater.js';
import { addLive } from './edges.js';
import { nativePlacement, nativeSelector, readSeen } from './convert.js';
import { translate, translated } from './translate.js';
import type {
  ConnectionEvent, Counters, Datapath, DatapathInfo, Edge, ExecutableFile, HostProcess, LearningWindow, MapInfo, Mode, Pair, PairGroup,
  Placement, Profile, Repute, RetireOptions, RetireResult, ScopeRule, WorkloadRepute,
} from './types.js';

/** Milliseconds between two passes while something has to leave the map; doubles up to the slowest. */
const SWEEP_MS = 1;
const SWEEP_SLOWEST_MS = 250;

/** In the first passes each socket that is not quiet is looked at so often: a reader that keeps up is quiet for moments only. */
const EAGER_PASSES = 10;
const EAGER_TRIES = 24;

/** Milliseconds between two passes while somebody waits for a retire. */
const RETIRE_MS = 20;

/** Milliseconds between two passes over sockets in the map of another version; doubles likewise. */
const DRAIN_MS = 5;
const DRAIN_SLOWEST_MS = 1000;

/** Milliseconds from a connection of an end that nobody knows until its reading is looked at; doubles likewise. */
const LEARN_MS = 2;
const LEARN_SLOWEST_MS = 250;

/** Milliseconds between two counts of the sockets that have a record; for a while after one that found something amiss; and that while. */
const CENSUS_MS = 60_000;
const CENSUS_SOON_MS = 5_000;
const CENSUS_AMISS_MS = 300_000;

/** Milliseconds between two looks at streams on TCP; doubles likewise. */
const PLACE_MS = 250;
const PLACE_SLOWEST_MS = 1000;

/** Longest wait for what is known of a workload that is new. */
const MEET_MOST_MS = 250;

/** As the addon gives it: news of a workload come by the same way as those of connections. */
type NativeEvent = ConnectionEvent | { type: 'workload'; id: string };

type NativeInfo = Omit<DatapathInfo, 'mode' | 'modeWhy'> & { unified: boolean };

export interface ModeChoice {
  mode: Mode;
  why: string;
}

export class HostDatapath implements Datapath {
  readonly #native: NativeDatapath;
  readonly #choice: ModeChoice;
  readonly #log: Log;
  readonly #release: () => void;
  readonly #listeners: ((events: ConnectionEvent[]) => void)[] = [];
  readonly #workloadListeners: ((workload: string) => Promise<void>)[] = [];
  readonly #meeting = new Set<Promise<void>>();
  readonly #sweep: Repeater;
  readonly #learn: Repeater;
  readonly #drain: Repeater;
  #census: NodeJS.Timeout | undefined;
  #censusNumber = 0;
  /** When a count last found something amiss, on the steady clock. */
  #amissAt = -Infinity;
  readonly #place: Repeater;
  readonly #finder: Finder;
  /** What the configuration asks for; a kernel on which connections that go on are not found has all followed. */
  #placement: Placement | undefined;
  #finds = true;
  /** Sockets in the map of another version, at the last look. */
  #elsewhere = 0;
  /** Passes that try hard. What waits for a reader that does not read is no reason to. */
  #eager = 0;
  #lastPass: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(native: NativeDatapath, choice: ModeChoice, log: Log, release: () => void) {
    this.#native = native;
    this.#choice = choice;
    this.#log = log;
    this.#release = release;
    this.#sweep = new Repeater(SWEEP_MS, SWEEP_SLOWEST_MS, async () => {
      const pass = await this.#pass('leaving', this.#eager-- > 0 ? EAGER_TRIES : 1);
      return pass.unread + pass.sending === 0;
    }, (error) => { this.#complain('pairs that must leave could not be retired; they pass over TCP', error); });
    this.#learn = new Repeater(LEARN_MS, LEARN_SLOWEST_MS, () => this.#learnPass(),
      (error) => { this.#complain('new connections could not be looked at; they stay on TCP', error); });
    this.#drain = new Repeater(DRAIN_MS, DRAIN_SLOWEST_MS, () => this.#drainOthers(),
      (error) => { this.#complain('sockets in the map of another version could not be taken out; they pass over TCP', error); });
    this.#place = new Repeater(PLACE_MS, PLACE_SLOWEST_MS, () => this.#placePass(),
      (error) => { this.#complain('streams on TCP could not be looked at; they stay there', error); });
    this.#finder = new Finder(native, log, {
      enabled: () => this.info().enabled,
      brief: () => this.counters().connections.brief,
      unable: () => {
        this.#finds = false;
        this.#applyPlacement();
      },
      failed: (error) => { this.#complain('connections from before could not be searched; they stay on TCP', error); },
    });
    native.onEvents((events) => { this.#take(events as NativeEvent[]); });
    // An agent that took over may find work that the one before left undone.
    this.#sweep.start();
    this.#learn.start();
    this.#place.start();
    native.adoptListeners().catch((error: unknown) => { this.#complain('listeners from before could not be named', error); });
    this.#finder.search();
    this.#drain.start();
    this.#countIn(CENSUS_MS);
  }

  info(): DatapathInfo {
    const { unified, ...info } = translated(() => this.#native.info()) as unknown as NativeInfo;
    const { mode, why } = this.#choice;
    const found = unified ? 'unified' : 'split';
    if (mode === 'off' || mode === found) return { ...info, mode, modeWhy: why };
    // What was taken over keeps its mode until its pairs are retired.
    return { ...info, mode: found, modeWhy: 'taken over from an earlier agent; retire to change it' };
  }

  counters(): Counters { return translated(() => this.#native.counters()) as Counters; }
  pairs(most?: number): Pair[] { return translated(() => this.#native.pairs(most)).map(readSeen); }
  profiles(): Profile[] { return translated(() => this.#native.profiles()) as Profile[]; }
  processes(pid?: number): HostProcess[] { return translated(() => this.#native.processes(pid)); }
  maps(): MapInfo[] { return translated(() => this.#native.maps()) as MapInfo[]; }
  groups(): PairGroup[] { return translated(() => this.#native.groups()) as PairGroup[]; }
  edges(open: readonly PairGroup[] = this.groups()): Edge[] { return translated(() => addLive(this.#native.edges() as Edge[], open)); }

  setEnabled(on: boolean): void {
    const enabled = on && this.#choice.mode !== 'off';
    const changes = enabled !== this.info().enabled;
    this.#apply({ enabled });
    if (changes) this.#finder.search();
  }

  setObserve(on: boolean): void { this.#apply({ observe: on }); }
  setQueueBytes(bytes: number): void { this.#apply({ queueBytes: bytes }); }
  setTellAll(on: boolean): void { translated(() => { this.#native.applyTelling(on); }); }
  applyScope(rules: readonly ScopeRule[]): void {
    translated(() => { this.#native.applyScope(rules.map(nativeSelector)); });
    this.#judged();
  }


  setWindow({ time, connections, bytes }: LearningWindow): void {
    translated(() => { this.#native.applyWindow({ windowMs: time, windowConnections: connections, windowBytes: bytes }); });
    // What was waiting may be enough now.
    this.#learn.start();
  }

  setPlacement(placement: Placement): void {
    this.#placement = placement;
    this.#applyPlacement();
    this.#judged();
  }

  seed(process: HostProcess, repute: WorkloadRepute): void {
    translated(() => { this.#native.seed(process, repute); });
    this.#learn.start();
  }
  forget(workload: string): void { translated(() => this.#native.forget(workload)); }
  setRepute(program: ExecutableFile & { comm: string }, repute: Repute | undefined): void {
    translated(() => { this.#native.setRepute(program, repute ?? null); });
  }

  onWorkload(listener: (workload: string) => Promise<void>): void { this.#workloadListeners.push(listener); }
  onEvents(listener: (events: ConnectionEvent[]) => void): void { this.#listeners.push(listener); }

  async retire({ id, timeoutMs, onProgress }: RetireOptions): Promise<RetireResult> {
    if (id === undefined) this.setEnabled(false);
    const deadline = Date.now() + timeoutMs;
    const result: RetireResult = { removed: 0, unread: 0, sending: 0, left: 0, done: false };
    for (;;) {
      const pass = await this.#pass(id);
      result.removed += pass.removed;
      result.unread = pass.unread;
      result.sending = pass.sending;
      // Without an id the map itself is the judge: nothing may be left in it.
      result.left = id === undefined ? pass.left + (await this.#native.drainPass()).left : pass.unread + pass.sending;
      result.done = result.left === 0;
      onProgress?.({ removed: result.removed, unread: result.unread, sending: result.sending });
      if (result.done || Date.now() >= deadline) return result;
      await sleep(Math.min(RETIRE_MS, Math.max(1, deadline - Date.now())));
    }
  }

  uninstall(): void {
    if (this.#closed) return;
    translated(() => { this.#native.uninstall(); });
    this.close();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#sweep.stop();
    this.#learn.stop();
    this.#drain.stop();
    clearTimeout(this.#census);
    this.#finder.stop();
    this.#place.stop();
    this.#native.close();
    this.#release();
  }

  #apply(change: Partial<Pick<DatapathInfo, 'enabled' | 'observe' | 'queueBytes'>>): void {
    const { enabled, observe, queueBytes } = { ...this.info(), ...change };
    translated(() => { this.#native.applySettings({ enabled, observe, queueBytes }); });
    this.#judged();
  }

  /** Some pairs may have to leave now, and others may come back. */
  #judged(): void {
    this.#sweep.start();
    this.#learn.start();
  }

  /** Where connections that have gone on cannot be found, each brief one is followed. */
  #applyPlacement(): void {
    if (!this.#placement) return;
    const placement = { ...this.#placement, ...(this.#finds ? {} : { follow: 1 }) };
    translated(() => { this.#native.applyPlacement(nativePlacement(placement)); });
  }

  /** What an earlier version enrolled leaves its map, and is then found like anything that was open before. */
  async #drainOthers(): Promise<boolean> {
    const { left, layouts } = await this.#native.drainPass();
    if (this.#closed) return true;
    if (left > 0 && this.#elsewhere === 0) this.#log.info('sockets leave the map of another version', { left });
    if (left === 0 && this.#elsewhere > 0) this.#log.info('the map of the other version is empty and gone');
    // Those that have left need not wait for those that cannot.
    if (left < this.#elsewhere) this.#finder.search();
    this.#elsewhere = left;
    return layouts === 0;
  }

  #countIn(ms: number): void {
    this.#census = setTimeout(() => {
      void this.#count().catch((error: unknown) => { this.#complain('sockets could not be counted', error); })
        .then(() => { if (!this.#closed) this.#countIn(this.#isAmiss() ? CENSUS_SOON_MS : CENSUS_MS); });
    }, ms).unref();
  }

  #isAmiss(): boolean { return performance.now() - this.#amissAt < CENSUS_AMISS_MS; }

  /** Where another program keeps the ends of connections from being heard of, they are found. */
  async #count(): Promise<void> {
    this.#censusNumber = (this.#censusNumber % 65_535) + 1;
    const { deaf, gone } = await this.#native.censusPass(this.#censusNumber);
    if (deaf + gone === 0) return;
    if (!this.#isAmiss())
      this.#log.warn('another program on sock_ops sets the callbacks of our sockets without keeping ours: ends of connections are found by counting', { deaf, gone });
    this.#amissAt = performance.now();
  }

  #take(mixed: NativeEvent[]): void {
    const events = mixed.filter((event): event is ConnectionEvent => event.type !== 'workload');
    for (const event of mixed) if (event.type === 'workload') this.#meet(event.id);
    if (events.length === 0) return;
    if (events.some((event) => event.type === 'fallback')) this.#sweep.start();
    if (events.some((event) => event.reason === 'stream')) {
      this.#eager = EAGER_PASSES;
      this.#place.start();
    }
    if (events.some((event) => event.reason === 'brief')) this.#place.start();
    if (events.some((event) => event.reason === 'learning')) this.#learn.start();
    for (const listener of this.#listeners) listener(events);
  }

  #meet(workload: string): void {
    for (const listener of this.#workloadListeners) {
      const met = listener(workload).catch(() => undefined).finally(() => { this.#meeting.delete(met); });
      this.#meeting.add(met);
    }
  }

  /** What is known of somebody goes before what a few reads show. */
  async #learnPass(): Promise<boolean> {
    if (this.#meeting.size > 0) await Promise.race([Promise.all(this.#meeting), sleep(MEET_MOST_MS, undefined, { ref: false })]);
    return (await this.#native.learnPass()) === 0;
  }

  /** What left as a stream and talks again is adopted like anything that was just learned. */
  async #placePass(): Promise<boolean> {
    const { streams, back } = await this.#native.placePass();
    if (back > 0) this.#learn.start();
    return streams + back === 0;
  }

  #complain(message: string, error: unknown): void {
    if (!this.#closed) this.#log.warn(message, { error: translate(error) });
  }

  /** One at a time: the passes share the place where they count. */
  #pass(which?: string, tries = 1): Promise<NativeRetirePass> {
    const pass = this.#lastPass.then(() => this.#native.retirePass(which, tries)).catch((error: unknown) => { throw translate(error); });
    this.#lastPass = pass.then((done) => { this.#warnOf(done); }, () => undefined);
    return pass;
  }

  #warnOf({ unlocked, unreachable }: NativeRetirePass): void {
    if (unlocked > 0) this.#log.error('this kernel shows sockets without their lock: none is taken out of the map before it closes', { sockets: unlocked });
    if (unreachable > 0) this.#log.warn('sockets in network namespaces that cannot be entered stay until they close', { namespaces: unreachable });
  }
}
