/**
 * What the agent and the door process say to each other over a unix socket: the door greets, then each line of the agent is a request
 * and gets one line as its answer. JSON, a line each. The greeting, `leave`, and of `look` address, port, open and descriptors of each
 * listener are the same in every version of the protocol, so that an agent can replace a door that another one left behind.
 */
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { ERRORS, SidestepError, wordsOf, type ErrorCode } from '../errors.js';
import type { DoorIdentity } from './types.js';

export const PROTOCOL = 2;

export interface Greeting extends DoorIdentity {
  readonly door: 'sidestep';
  readonly protocol: number;
  /** Of build.ts; '' for those before protocol 2. */
  readonly build: string;
  readonly threads: number;
}

/** A socket that a door process is started with. */
export interface Handed {
  readonly address: string;
  readonly port: number;
  readonly descriptor: number;
}

export interface Request {
  readonly id: number;
  readonly call: string;
  readonly with: Readonly<Record<string, unknown>>;
}

interface Failure {
  readonly code: string;
  readonly detail: string;
  readonly cause: string;
}

export type Answer = { readonly id: number } & ({ readonly result: unknown } | { readonly error: Failure });

/** Who runs this one process; a name of its own, so that one door can follow another. */
export const doorPath = (runDir: string, pid: number): string => join(runDir, `door-${pid}.sock`);
export const isDoorPath = (file: string): boolean => /^door-\d+\.sock$/.test(file);

/** A list of backends at its longest has a tenth of it. */
const MOST_CHARACTERS = 32 * 1024 * 1024;

export const say = (socket: Socket, what: Greeting | Request | Answer): void => { socket.write(`${JSON.stringify(what)}\n`); };

/** Calls `take` with each line. Who sends none that ends is cut off. */
export function eachLine(socket: Socket, take: (line: string) => void): void {
  let rest = '';
  socket.setEncoding('utf8');
  socket.on('data', (text: string) => {
    rest += text;
    if (rest.length > MOST_CHARACTERS) socket.destroy();
    if (!text.includes('\n')) return;
    const lines = rest.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) take(line);
  });
}

export function failureOf(error: unknown): Failure {
  if (!(error instanceof SidestepError)) return { code: 'internal', detail: wordsOf(error), cause: '' };
  return { code: error.code, detail: error.detail, cause: error.cause === undefined ? '' : wordsOf(error.cause) };
}

export function errorOf({ code, detail, cause }: Failure): SidestepError {
  return new SidestepError(code in ERRORS ? code as ErrorCode : 'internal', detail, cause === '' ? undefined : new Error(cause));
}
