/**
 * Follows one kind of objects: everything once, then each change. What is known stays known whatever the API server does;
 * only its word that an object has gone takes one away, and after a gap everything is read again and compared.
 */
import type { Log } from '../log.js';
import { Refusal, wordsOf, type Api, type Query } from './client.js';
import { listOf, mapOf, textOf, type Raw } from './read.js';

export interface Kind<T> {
  /** `pods` */
  readonly name: string;
  readonly path: string;
  readonly query: Query;
  /** What is kept of an object; undefined: nothing, it is none of ours. */
  read(object: Raw): T | undefined;
}

export interface Changed<T> {
  /** `NAMESPACE/NAME` */
  readonly key: string;
  readonly before: T | undefined;
  readonly now: T | undefined;
}

export interface WatchState {
  readonly kind: string;
  /** `away`: what is known may be old. */
  readonly state: 'starting' | 'following' | 'away';
  /** Why away; '' otherwise. */
  readonly detail: string;
  readonly objects: number;
  /** Since the API server was last heard: a list, a change, a bookmark, or a watch that it opened; undefined: it never was. */
  readonly quietMs: number | undefined;
  /** Times that everything was read. */
  readonly lists: number;
  readonly failures: number;
  /** Changes that came one by one, taken or not. */
  readonly events: number;
}

export interface Pace {
  readonly firstMs: number;
  readonly slowestMs: number;
  /** How long a watch may last before it is asked for anew. */
  readonly watchMs: number;
  /** How long changes are believed to be all before everything is read again. */
  readonly compareMs: number;
  /** How long much that has vanished at once is kept. */
  readonly holdMs: number;
  readonly page: number;
}

export const usualPace: Pace = { firstMs: 500, slowestMs: 30_000, watchMs: 240_000, compareMs: 3_600_000, holdMs: 30_000, page: 500 };
/** What a server may take longer than it was allowed. */
const graceMs = 15_000;
const listMs = 120_000;
/** After so many failures in a row without one good line the place to go on from is suspect too. */
const suspicious = 5;

/** So many are always believed, and this share of what is known. */
const fewGone = 4;
const shareGone = 0.3;

const GONE = 410;

export class Watcher<T> {
  readonly #known = new Map<string, { readonly version: string; readonly value: T }>();
  /** Where to go on from; undefined: everything has to be read. */
  #version: string | undefined;
  #state: WatchState['state'] = 'starting';
  #detail = '';
  #heard: number | undefined;
  #lists = 0;
  #listed = 0;
  /** Since when much of what is known is in no list. */
  #suspect: number | undefined;
  #failures = 0;
  #events = 0;
  #lines = 0;
  /** Failures since the last good line of a watch. */
  #row = 0;
  #stopped = false;
  #asking: AbortController | undefined;
  #wake: () => void = () => undefined;
  #run: Promise<void> | undefined;

  constructor(
    private readonly api: Api,
    private readonly kind: Kind<T>,
    private readonly onChange: (changes: readonly Changed<T>[]) => void,
    private readonly log: Log,
    private readonly pace: Pace = usualPace,
    private readonly random: () => number = Math.random,
  ) {}

  start(): void {
    this.#run ??= this.#follow();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#asking?.abort();
    this.#wake();
    await this.#run;
  }

  get(key: string): T | undefined { return this.#known.get(key)?.value; }
  values(): T[] { return [...this.#known.values()].map(({ value }) => value); }
  keys(): IterableIterator<string> { return this.#known.keys(); }
  get wasSynced(): boolean { return this.#lists > 0; }

  get state(): WatchState {
    return {
      kind: this.kind.name, state: this.#state, detail: this.#detail, objects: this.#known.size, lists: this.#lists, failures: this.#failures,
      events: this.#events, quietMs: this.#heard === undefined ? undefined : performance.now() - this.#heard,
    };
  }

  async #follow(): Promise<void> {
    while (!this.#stopped) {
      try {
        if (this.#version === undefined) await this.#list();
        await this.#watch();
      } catch (error) {
        if (this.#isOver()) return;
        await this.#failed(error);
      }
    }
  }

  /** Read anew: it changes while somebody waits. */
  #isOver(): boolean { return this.#stopped; }

  /** Everything, page by page, against what is known: only what differs is said. */
  async #list(): Promise<void> {
    const found = new Map<string, { version: string; value: T }>();
    let next = '', version = '';
    do {
      const page = mapOf(await this.#within(listMs, (signal) => this.api.get(this.kind.path, {
        ...this.kind.query, limit: String(this.pace.page), ...(next !== '' && { continue: next }),
      }, signal)));
      for (const item of listOf(page['items'])) this.#keep(found, mapOf(item));
      const metadata = mapOf(page['metadata']);
      [next, version] = [textOf(metadata['continue']), textOf(metadata['resourceVersion'])];
    } while (next !== '');
    if (version === '') throw new Error('the list has no resourceVersion');
    const gone = [...this.#known].filter(([key]) => !found.has(key)).map(([key, { value }]) => ({ key, before: value, now: undefined }));
    const put = [...found].flatMap(([key, now]) => this.#put(key, now.version, now.value));
    if (this.#isSuspect(gone.length)) {
      this.onChange(put);
      throw new Error(`${String(gone.length)} of ${String(this.#known.size)} have vanished at once; they are kept until that has been so for ${String(this.pace.holdMs / 1000)} s`);
    }
    for (const { key } of gone) this.#known.delete(key);
    this.#version = version;
    this.#lists++;
    this.#listed = performance.now();
    this.#hears();
    this.log.info('read everything', { kind: this.kind.name, objects: this.#known.size, changed: put.length, gone: gone.length });
    this.onChange([...put, ...gone]);
  }

  /** A store that was lost looks like a cluster that was: what vanishes in a gap, and much at once, is believed when it stays so. */
  #isSuspect(gone: number): boolean {
    if (gone <= Math.max(fewGone, this.#known.size * shareGone)) this.#suspect = undefined;
    else this.#suspect ??= performance.now();
    return this.#suspect !== undefined && performance.now() - this.#suspect < this.pace.holdMs;
  }

  #keep(into: Map<string, { version: string; value: T }>, object: Raw): void {
    const value = this.kind.read(object);
    if (value !== undefined) into.set(keyOf(object), { version: textOf(mapOf(object['metadata'])['resourceVersion']), value });
  }

  #put(key: string, version: string, value: T): Changed<T>[] {
    const known = this.#known.get(key);
    if (known?.version === version && version !== '') return [];
    const isSame = known !== undefined && JSON.stringify(known.value) === JSON.stringify(value);
    this.#known.set(key, { version, value: isSame ? known.value : value });
    return isSame ? [] : [{ key, before: known?.value, now: value }];
  }

  async #watch(): Promise<void> {
    // Each a little shorter than the last, so that the agents of a cluster do not all come back at once.
    const watchMs = Math.round(this.pace.watchMs * (0.75 + this.random() / 4));
    const [lines, began] = [this.#lines, performance.now()];
    await this.#within(watchMs + graceMs, (signal) => this.api.watch(this.kind.path, {
      ...this.kind.query, watch: '1', allowWatchBookmarks: 'true', resourceVersion: this.#version ?? '', timeoutSeconds: String(Math.ceil(watchMs / 1000)),
    }, { opened: () => { this.#hears(); }, line: (line) => { this.#hear(line); } }, signal));
    // Where nothing changes there is not even a bookmark; a watch that nobody keeps open is another matter.
    if (this.#lines === lines && performance.now() - began < watchMs / 2) throw new Error('the API server ended the watch at once');
    // A server whose store was put back to an earlier time says nothing until it has caught up with the place that it is asked for.
    if (performance.now() - this.#listed > this.pace.compareMs) this.#version = undefined;
  }

  #hear(line: string): void {
    const { type, object: given } = mapOf(JSON.parse(line));
    const object = mapOf(given);
    if (type === 'ERROR') throw new Refusal(Number(object['code'] ?? 500), textOf(object['message']));
    const version = textOf(mapOf(object['metadata'])['resourceVersion']);
    if (version === '') throw new Error('an event has no resourceVersion');
    const changes = type === 'BOOKMARK' ? [] : this.#change(textOf(type), object, version);
    this.#version = version;
    this.#lines++;
    this.#row = 0;
    this.#hears();
    if (changes.length > 0) this.onChange(changes);
  }

  #change(type: string, object: Raw, version: string): Changed<T>[] {
    this.#events++;
    const key = keyOf(object);
    const value = type === 'DELETED' ? undefined : this.kind.read(object);
    if (value !== undefined) return this.#put(key, version, value);
    const before = this.#known.get(key)?.value;
    this.#known.delete(key);
    return before === undefined ? [] : [{ key, before, now: undefined }];
  }

  #hears(): void {
    this.#heard = performance.now();
    if (this.#detail !== '') this.log.info('the API server answers again', { kind: this.kind.name });
    this.#state = 'following';
    this.#detail = '';
  }

  async #failed(error: unknown): Promise<void> {
    const isGone = error instanceof Refusal && error.status === GONE;
    if (isGone || ++this.#row % suspicious === 0) this.#version = undefined;
    // A place that is too old is nobody's fault: everything is read at once. Again, without a good word in between, is a fault.
    if (isGone && this.#row++ === 0) return;
    this.#failures++;
    const detail = wordsOf(error);
    const isNews = this.#detail === '';
    this.log[isNews ? 'warn' : 'debug']('the API server does not answer as it should; what is known is kept', { kind: this.kind.name, because: detail });
    this.#detail = detail;
    if (this.#state === 'following') this.#state = 'away';
    const asked = error instanceof Refusal ? error.retryAfterMs : 0;
    const usual = Math.min(this.pace.slowestMs, this.pace.firstMs * 2 ** Math.min(this.#row - 1, 16)) * (0.5 + this.random() / 2);
    await this.#pause(Math.max(asked, usual));
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms).unref();
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
      if (this.#stopped) this.#wake();
    });
  }

  async #within<R>(limitMs: number, ask: (signal: AbortSignal) => Promise<R>): Promise<R> {
    const asking = new AbortController();
    this.#asking = asking;
    if (this.#stopped) asking.abort();
    const timer = setTimeout(() => { asking.abort(); }, limitMs).unref();
    try {
      return await ask(asking.signal);
    } finally {
      clearTimeout(timer);
    }
  }
}

function keyOf(object: Raw): string {
  const { namespace, name } = mapOf(object['metadata']);
  return `${textOf(namespace)}/${textOf(name)}`;
}
