/** Bodies and parameters of requests, checked before anybody acts on them. */
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { SidestepError } from '../errors.js';
import { HAZARDS, STATES, type Hazard, type State } from '../guard/conduct.js';
import { LOG_LEVELS, type LogLevel } from '../log.js';

const most = 64 * 1024;
/** A file of profiles, as large as one can be. */
const mostProfiles = 8 * 1024 * 1024;

/** The JSON object in the body; an empty body is an empty object. */
export async function readBody(request: IncomingMessage, limit = most): Promise<Record<string, unknown>> {
  let text = '';
  for await (const chunk of request) {
    text += String(chunk);
    if (text.length > limit) throw new SidestepError('bad_request', `the body is over ${String(limit)} bytes`);
  }
  if (text.trim() === '') return {};
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch (error) {
    throw new SidestepError('bad_request', 'the body is not JSON', error);
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new SidestepError('bad_request', 'the body must be a JSON object');
  return body as Record<string, unknown>;
}

export const limitOf = (path: string): number => (path === '/v1/profiles/import' ? mostProfiles : most);

export function onlyKnown(body: Record<string, unknown>, known: readonly string[]): void {
  const unknown = Object.keys(body).find((key) => !known.includes(key));
  if (unknown !== undefined)
    throw new SidestepError('bad_request', `unknown field ${unknown}; known: ${known.join(', ') || 'none'}`);
}

export function readRetire(body: Record<string, unknown>, defaultMs: number): { id?: string; timeoutMs: number } {
  onlyKnown(body, ['id', 'timeoutMs']);
  const { id, timeoutMs = defaultMs } = body;
  if (typeof timeoutMs !== 'number' || !Number.isInteger(timeoutMs) || timeoutMs < 0 || timeoutMs > 600_000)
    throw new SidestepError('bad_request', 'timeoutMs must be a whole number from 0 to 600000');
  if (id === undefined) return { timeoutMs };
  if (typeof id !== 'string' || !/^[0-9a-f]{16}$/i.test(id))
    throw new SidestepError('bad_request', 'id must be a pair id of 16 hexadecimal digits');
  return { id: id.toLowerCase(), timeoutMs };
}

/** Undefined: everything. */
export function readSelector(body: Record<string, unknown>): string | undefined {
  onlyKnown(body, ['selector']);
  const { selector } = body;
  if (selector !== undefined && typeof selector !== 'string') throw new SidestepError('bad_request', 'selector must be a text');
  return selector;
}

export function readRotate(body: Record<string, unknown>): { port: number } {
  onlyKnown(body, ['port']);
  const { port } = body;
  if (typeof port !== 'number' || !Number.isInteger(port) || port < 1 || port > 65535)
    throw new SidestepError('bad_request', 'port must be a whole number from 1 to 65535');
  return { port };
}

export function readLevel(body: Record<string, unknown>): LogLevel {
  onlyKnown(body, ['level']);
  const level = LOG_LEVELS.find((known) => known === body['level']);
  if (level === undefined) throw new SidestepError('bad_request', `level must be one of ${LOG_LEVELS.join(', ')}`);
  return level;
}

const isWhole = (value: unknown, most: number): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= most;

function readService(body: Record<string, unknown>): string {
  const { service } = body;
  if (typeof service !== 'string' || service === '') throw new SidestepError('bad_request', 'service must be the name of a service');
  return service;
}

export function readOverride(body: Record<string, unknown>): {
  service: string; address: string; port: number; override: { draining?: boolean; weight?: number };
} {
  onlyKnown(body, ['service', 'address', 'port', 'draining', 'weight']);
  const { address, port, draining, weight } = body;
  if (typeof address !== 'string' || isIP(address) === 0) throw new SidestepError('bad_request', 'address must be an IP address');
  if (!isWhole(port, 65_535) || port === 0) throw new SidestepError('bad_request', 'port must be a whole number from 1 to 65535');
  if (draining !== undefined && typeof draining !== 'boolean') throw new SidestepError('bad_request', 'draining must be true or false');
  if (weight !== undefined && !isWhole(weight, 10_000)) throw new SidestepError('bad_request', 'weight must be a whole number from 0 to 10000');
  if (draining === undefined && weight === undefined) throw new SidestepError('bad_request', 'give draining or weight');
  return { service: readService(body), address, port, override: { ...(draining === undefined ? {} : { draining }), ...(weight === undefined ? {} : { weight }) } };
}

export function readDrain(body: Record<string, unknown>): { name: string; draining: boolean } {
  onlyKnown(body, ['name', 'draining']);
  const { draining } = body;
  if (typeof draining !== 'boolean') throw new SidestepError('bad_request', 'draining must be true or false');
  return { name: word(body, 'name'), draining };
}

export function readSplit(body: Record<string, unknown>): { service: string; split: Record<string, number> } {
  onlyKnown(body, ['service', 'split']);
  const { split } = body;
  if (typeof split !== 'object' || split === null || Array.isArray(split) || !Object.values(split).every((share) => isWhole(share, 1_000_000)))
    throw new SidestepError('bad_request', 'split must map versions to whole numbers from 0 to 1000000');
  return { service: readService(body), split: split as Record<string, number> };
}

function word(body: Record<string, unknown>, key: string): string {
  const value = body[key];
  if (typeof value !== 'string' || value === '') throw new SidestepError('bad_request', `${key} must be a text`);
  return value;
}

export function readImport(body: Record<string, unknown>): { file: string; text: string } {
  onlyKnown(body, ['file', 'text']);
  return { file: word(body, 'file'), text: word(body, 'text') };
}

export function readWhich(body: Record<string, unknown>): string {
  onlyKnown(body, ['which']);
  return word(body, 'which');
}

export function readSet(body: Record<string, unknown>): { which: string; state: State; reason?: Hazard } {
  onlyKnown(body, ['which', 'state', 'reason']);
  const state = STATES.find((known) => known === body['state']);
  if (state === undefined) throw new SidestepError('bad_request', `state must be one of ${STATES.join(', ')}`);
  if (body['reason'] === undefined) return { which: word(body, 'which'), state };
  const reason = HAZARDS.find((known) => known === body['reason']);
  if (reason === undefined || state !== 'unsafe')
    throw new SidestepError('bad_request', `reason belongs to state unsafe, and is one of ${HAZARDS.join(', ')}`);
  return { which: word(body, 'which'), state, reason };
}
