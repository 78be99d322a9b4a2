/**
 * Values of the bucket: JSON, with a version, and checked before anybody believes a word. Whoever may write to the bucket
 * may write anything: sizes and ranges are bounded, and an endpoint must be where other hosts could reach it.
 */
import { isIP, BlockList } from 'node:net';
import { canonical, isMapped } from '../../config/address.js';
import { PROTOCOLS } from '../../config/service-types.js';
import type { Stamp } from '../endpoints/store.js';
import { HEALTH, type EndpointRecord } from '../endpoints/types.js';

export const VERSION = 1;
/** An honest record has some 300 bytes. */
export const MOST_BYTES = 2048;

/** What a host says of itself with each sign of life. */
export interface Alive extends Stamp {
  /** How many records it stands for: a reader that has fewer has missed something. */
  readonly records: number;
}

export type Told =
  | { readonly kind: 'record'; readonly record: EndpointRecord; readonly stamp: Stamp }
  | { readonly kind: 'withdrawn'; readonly stamp: Stamp };

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });
const encode = (value: object): Uint8Array => encoder.encode(JSON.stringify({ v: VERSION, ...value }));

export const encodeRecord = (record: EndpointRecord, stamp: Stamp): Uint8Array => encode({ ...stamp, ...record });
export const encodeWithdrawn = (stamp: Stamp): Uint8Array => encode({ ...stamp, withdrawn: true });
export const encodeAlive = (alive: Alive): Uint8Array => encode(alive);

/** Nobody can reach these on another host. */
const nowhere = new BlockList();
for (const [network, prefix] of [['0.0.0.0', 8], ['127.0.0.0', 8], ['169.254.0.0', 16], ['224.0.0.0', 3]] as const) nowhere.addSubnet(network, prefix, 'ipv4');
for (const [network, prefix] of [['::', 127], ['fe80::', 10], ['ff00::', 8]] as const) nowhere.addSubnet(network, prefix, 'ipv6');

function reachable(address: string): boolean {
  const family = isIP(address);
  // An IPv4 address in the clothes of IPv6 would get round the first list.
  if (family === 0 || isMapped(address)) return false;
  return !nowhere.check(address, family === 4 ? 'ipv4' : 'ipv6');
}

type Fields = Record<string, unknown>;

const isWhole = (value: unknown, min: number, max: number): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max;
const isName = (value: unknown): value is string => typeof value === 'string' && /^([A-Za-z0-9]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?)?$/.test(value);
const isStamp = (fields: Fields): boolean => isWhole(fields['epoch'], 1, Number.MAX_SAFE_INTEGER) && isWhole(fields['sequence'], 0, Number.MAX_SAFE_INTEGER);

function parse(value: Uint8Array): Fields | undefined {
  if (value.length > MOST_BYTES) return undefined;
  try {
    const fields: unknown = JSON.parse(decoder.decode(value));
    const isObject = typeof fields === 'object' && fields !== null && !Array.isArray(fields);
    return isObject && (fields as Fields)['v'] === VERSION && isStamp(fields as Fields) ? (fields as Fields) : undefined;
  } catch {
    return undefined;
  }
}

const isRecord = (f: Fields): boolean =>
  isName(f['service']) && f['service'] !== '' && typeof f['address'] === 'string' && reachable(f['address']) && canonical(f['address']) === f['address']
  && isWhole(f['port'], 1, 65535) && PROTOCOLS.some((known) => known === f['protocol']) && isWhole(f['weight'], 0, 10_000)
  && isName(f['zone']) && isName(f['version']) && isName(f['host']) && typeof f['workload'] === 'string' && f['workload'].length <= 64
  && HEALTH.some((known) => known === f['health']) && typeof f['draining'] === 'boolean';

/** Undefined: not believed. Fields that this version does not know are left out. */
export function decodeTold(value: Uint8Array): Told | undefined {
  const fields = parse(value);
  if (!fields) return undefined;
  const stamp = { epoch: fields['epoch'] as number, sequence: fields['sequence'] as number };
  if (fields['withdrawn'] === true) return { kind: 'withdrawn', stamp };
  if (!isRecord(fields)) return undefined;
  const { service, address, port, protocol, weight, zone, version, host, workload, health, draining } = fields as unknown as EndpointRecord;
  return { kind: 'record', stamp, record: { service, address, port, protocol, weight, zone, version, host, workload, health, draining } };
}

export function decodeAlive(value: Uint8Array): Alive | undefined {
  const fields = parse(value);
  if (!fields || !isWhole(fields['records'], 0, 10_000_000)) return undefined;
  return { epoch: fields['epoch'] as number, sequence: fields['sequence'] as number, records: fields['records'] };
}
