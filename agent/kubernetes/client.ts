/** The two questions that are asked of an API server: a page of a list, and a watch. */
import { request as plainRequest, type IncomingMessage } from 'node:http';
import { request as tlsRequest } from 'node:https';
import { SidestepError } from '../errors.js';
import { Lines } from './lines.js';
import type { Access } from './server.js';

export type Query = Readonly<Record<string, string>>;

/** What the API server said instead of an answer. */
export class Refusal extends Error {
  constructor(readonly status: number, message: string, readonly retryAfterMs = 0) {
    super(`${String(status)} ${message}`);
  }
}

export interface Listener {
  /** The server has agreed; it may be long until it has something to say. */
  opened(): void;
  line(line: string): void;
}

export interface Api {
  get(path: string, query: Query, signal: AbortSignal): Promise<unknown>;
  /** Resolves when the server has ended it; rejects when anybody else has. */
  watch(path: string, query: Query, listener: Listener, signal: AbortSignal): Promise<void>;
}

/** A page of a list is far below; a server that ignores the page size is not read into memory without end. */
const mostBytes = 256 * 1024 * 1024;

/** The message of a Status object, or the text as it is. */
function said(text: string): string {
  try {
    const { message } = JSON.parse(text) as { message?: unknown };
    if (typeof message === 'string') return message;
  } catch {
    // A proxy in between answers in its own words.
  }
  return text.slice(0, 200).trim();
}

async function textOf(answer: IncomingMessage, limit: number): Promise<string> {
  const pieces: string[] = [];
  let length = 0;
  for await (const piece of answer) {
    length += (piece as string).length;
    if (length > limit) throw new Error(`the answer is over ${String(limit)} bytes`);
    pieces.push(piece as string);
  }
  return pieces.join('');
}

async function refusalOf(answer: IncomingMessage): Promise<Refusal> {
  const status = answer.statusCode ?? 0;
  const after = Number(answer.headers['retry-after'] ?? 0);
  return new Refusal(status, said(await textOf(answer, 64 * 1024)), Number.isFinite(after) ? after * 1000 : 0);
}

export class Client implements Api {
  constructor(private readonly access: () => Access, private readonly answerMs = 30_000) {}

  async get(path: string, query: Query, signal: AbortSignal): Promise<unknown> {
    return JSON.parse(await textOf(await this.#ask(path, query, signal), mostBytes)) as unknown;
  }

  async watch(path: string, query: Query, listener: Listener, signal: AbortSignal): Promise<void> {
    const answer = await this.#ask(path, query, signal);
    listener.opened();
    const lines = new Lines();
    for await (const piece of answer) for (const line of lines.take(piece as string)) listener.line(line);
  }

  /** Rejects with a Refusal unless the answer is 200. */
  async #ask(path: string, query: Query, signal: AbortSignal): Promise<IncomingMessage> {
    const answer = await this.#send(path, query, signal);
    answer.setEncoding('utf8');
    if (answer.statusCode !== 200) throw await refusalOf(answer);
    return answer;
  }

  #send(path: string, query: Query, signal: AbortSignal): Promise<IncomingMessage> {
    const { url, token, ca } = this.access();
    const target = new URL(url);
    target.pathname = `${url.pathname.replace(/\/$/, '')}${path}`;
    target.search = new URLSearchParams(query).toString();
    const headers = { accept: 'application/json', 'user-agent': 'sidestep', ...(token !== undefined && { authorization: `Bearer ${token}` }) };
    // No agent: a connection that the server forgot must not be used again after it came back.
    const options = { headers, signal, agent: false, ...(ca !== undefined && { ca }) };
    return new Promise((resolve, reject) => {
      const request = (url.protocol === 'http:' ? plainRequest : tlsRequest)(target, options);
      const timer = setTimeout(() => request.destroy(new Error(`no answer within ${String(this.answerMs / 1000)} s`)), this.answerMs).unref();
      request.once('close', () => { clearTimeout(timer); });
      request.once('response', (answer) => {
        clearTimeout(timer);
        resolve(answer);
      });
      request.once('error', reject);
      request.end();
    });
  }
}

const known: ReadonlyMap<string, string> = new Map([['AbortError', 'the API server went silent'], ['aborted', 'the API server broke the connection']]);

/** In words for a person. */
export function wordsOf(error: unknown): string {
  if (error instanceof Refusal && error.status === 401) return 'the API server does not know the token (401)';
  if (error instanceof Refusal && error.status === 403) return `the service account may not do this: ${error.message}`;
  if (error instanceof SidestepError) return error.message;
  if (error instanceof Error) return known.get(error.name === 'AbortError' ? error.name : error.message) ?? error.message;
  return String(error);
}
