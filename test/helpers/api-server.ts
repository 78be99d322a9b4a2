// SPDX-License-Identifier: Apache-2.0
/** An API server in memory: lists in pages, watches as lines of JSON, and every way in which a real one misbehaves. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

export interface Thing {
  metadata: { name: string; namespace: string; resourceVersion?: string; [field: string]: unknown };
  [field: string]: unknown;
}

type Type = 'ADDED' | 'MODIFIED' | 'DELETED';

interface Watch {
  readonly path: string;
  readonly answer: ServerResponse;
  readonly bookmarks: boolean;
}

const keyOf = ({ metadata: { namespace, name } }: Thing): string => `${namespace}/${name}`;

export class ApiServer {
  readonly #things = new Map<string, Map<string, Thing>>();
  readonly #events: { path: string; type: Type; object: Thing; version: number }[] = [];
  readonly #watches = new Set<Watch>();
  readonly #server: Server = createServer((request, answer) => { this.#answer(request, answer); });
  #version = 1000;
  /** Watches from before are told that they are too old. */
  #oldest = 0;
  /** Undefined: anybody may ask. */
  token: string | undefined;
  /** Answers everything with this status. */
  broken: number | undefined;
  /** Of a watch: says nothing at all, not even that it agreed. */
  mute = false;
  /** At most so many items in a page, whatever was asked. */
  page = Infinity;
  /** Called before each page but the first. */
  betweenPages: () => void = () => undefined;
  readonly asked: { path: string; query: URLSearchParams; authorization: string | undefined }[] = [];

  async start(port = 0): Promise<string> {
    this.#server.listen(port, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    this.#watches.clear();
    await once(this.#server, 'close');
  }

  /** `isTold` false: it happens while nobody is told, as when the server is restored from somewhere else. */
  put(path: string, thing: Thing, isTold = true): void {
    const things = this.#of(path);
    const type = things.has(keyOf(thing)) ? 'MODIFIED' : 'ADDED';
    const object = { ...thing, metadata: { ...thing.metadata, resourceVersion: String(++this.#version) } };
    things.set(keyOf(thing), object);
    if (isTold) this.#tell(path, type, object);
  }

  remove(path: string, namespace: string, name: string, isTold = true): void {
    const known = this.#of(path).get(`${namespace}/${name}`);
    if (!known) throw new Error(`there is no ${namespace}/${name}`);
    this.#of(path).delete(`${namespace}/${name}`);
    const object = { ...known, metadata: { ...known.metadata, resourceVersion: String(++this.#version) } };
    if (isTold) this.#tell(path, 'DELETED', object);
  }

  bookmark(): void {
    for (const { answer, bookmarks } of this.#watches)
      if (bookmarks) answer.write(`${JSON.stringify({ type: 'BOOKMARK', object: { kind: 'X', metadata: { resourceVersion: String(this.#version) } } })}\n`);
  }

  /** Whatever was before now is forgotten. */
  compact(): void { this.#oldest = ++this.#version; }

  /** Writes this into every watch, as it is. */
  say(text: string): void { for (const { answer } of this.#watches) answer.write(text); }

  /** `false`: in the middle, as a process that dies does. */
  endWatches(inOrder: boolean): void {
    for (const { answer } of this.#watches) {
      if (inOrder) answer.end();
      else answer.destroy();
    }
    this.#watches.clear();
  }

  get watches(): number { return this.#watches.size; }
  lists(path: string): number { return this.asked.filter((one) => one.path === path && !one.query.has('watch') && !one.query.has('continue')).length; }

  #of(path: string): Map<string, Thing> {
    const things = this.#things.get(path) ?? new Map<string, Thing>();
    this.#things.set(path, things);
    return things;
  }

  #tell(path: string, type: Type, object: Thing): void {
    this.#events.push({ path, type, object, version: this.#version });
    for (const watch of this.#watches) if (watch.path === path) watch.answer.write(`${JSON.stringify({ type, object })}\n`);
  }

  #answer(request: IncomingMessage, answer: ServerResponse): void {
    const { pathname: path, searchParams: query } = new URL(request.url ?? '', 'http://server');
    this.asked.push({ path, query, authorization: request.headers.authorization });
    const refuse = (code: number, message: string): void => {
      answer.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify({ kind: 'Status', code, message }));
    };
    if (this.broken !== undefined) refuse(this.broken, 'broken');
    else if (this.token !== undefined && request.headers.authorization !== `Bearer ${this.token}`) refuse(401, 'Unauthorized');
    else if (query.get('watch') === '1') this.#watch(path, query, answer, refuse);
    else this.#list(path, query, answer, refuse);
  }

  #list(path: string, query: URLSearchParams, answer: ServerResponse, refuse: (code: number, message: string) => void): void {
    const [version, from] = (query.get('continue') ?? `${this.#version}:0`).split(':').map(Number) as [number, number];
    if (from > 0) this.betweenPages();
    if (version < this.#oldest) {
      refuse(410, 'the continue token is too old');
      return;
    }
    const items = [...this.#of(path).values()];
    const size = Math.min(this.page, Number(query.get('limit') ?? items.length));
    const rest = items.length > from + size ? { continue: `${version}:${from + size}` } : {};
    answer.writeHead(200, { 'content-type': 'application/json' });
    answer.end(JSON.stringify({ kind: 'List', metadata: { resourceVersion: String(version), ...rest }, items: items.slice(from, from + size) }));
  }

  #watch(path: string, query: URLSearchParams, answer: ServerResponse, refuse: (code: number, message: string) => void): void {
    const from = Number(query.get('resourceVersion'));
    if (from < this.#oldest) {
      refuse(410, 'too old resource version');
      return;
    }
    if (this.mute) return;
    const watch = { path, answer, bookmarks: query.get('allowWatchBookmarks') === 'true' };
    this.#watches.add(watch);
    answer.once('close', () => { this.#watches.delete(watch); });
    answer.writeHead(200, { 'content-type': 'application/json' });
    answer.flushHeaders();
    for (const event of this.#events)
      if (event.path === path && event.version > from) answer.write(`${JSON.stringify({ type: event.type, object: event.object })}\n`);
  }
}
