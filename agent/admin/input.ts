/** Bodies and parameters of requests, checked before anybody acts on them. */
import type { IncomingMessage } from 'node:http';
import { SidestepError } from '../errors.js';
import { LOG_LEVELS, type LogLevel } from '../log.js';

const most = 64 * 1024;

/** The JSON object in the body; an empty body is an empty object. */
export async function readBody(request: IncomingMessage): Promise<Record<string, unknown>> {
  let text = '';
  for await (const chunk of request) {
    text += String(chunk);
    if (text.length > most) throw new SidestepError('bad_request', `the body is over ${String(most)} bytes`);
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

export function readLevel(body: Record<string, unknown>): LogLevel {
  onlyKnown(body, ['level']);
  const level = LOG_LEVELS.find((known) => known === body['level']);
  if (level === undefined) throw new SidestepError('bad_request', `level must be one of ${LOG_LEVELS.join(', ')}`);
  return level;
}
