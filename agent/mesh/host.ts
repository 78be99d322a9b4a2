/** Which host this is, for the others. */
import { readFileSync } from 'node:fs';
import { hostname, networkInterfaces } from 'node:os';
import type { Config } from '../../config/types.js';
import { familyOf } from '../../config/services.js';
import type { HostPlace } from '../endpoints/sources/listeners.js';

/**
 * A name is a token of a key: what else a host name may have becomes a dash. In a pod, whose host name is its own and a
 * new one each time, `node` is that of the node; whole, because only all of it is one of its kind.
 */
export function nameOf(configured: string, system = hostname(), node = process.env['NODE_NAME']): string {
  if (configured !== 'auto') return configured;
  const name = (node ?? system.split('.')[0] ?? '').replace(/[^A-Za-z0-9_-]/g, '-').replace(/^[-_]+|[-_]+$/g, '').slice(0, 63);
  return name === '' ? 'localhost' : name;
}

/** Interface of the default route, from the text of /proc/net/route; '' when there is none. */
export function defaultInterface(routes: string): string {
  const row = routes.split('\n').slice(1).map((line) => line.split('\t')).find(([, destination, , , , , , mask]) => destination === '00000000' && mask === '00000000');
  return row?.[0] ?? '';
}

function routes(): string {
  try {
    return readFileSync('/proc/self/net/route', 'utf8');
  } catch {
    return '';
  }
}

function automatic(family: 'IPv4' | 'IPv6'): string {
  const interfaces = Object.entries(networkInterfaces());
  const first = defaultInterface(routes());
  const ordered = [...interfaces.filter(([name]) => name === first), ...interfaces.filter(([name]) => name !== first)];
  const usable = ordered.flatMap(([, addresses]) => addresses ?? []).filter((one) => one.family === family && !one.internal && !one.address.startsWith('fe80:'));
  return usable[0]?.address ?? '';
}

export function placeOf({ host: { name, address, zone } }: Config): HostPlace {
  const set = address === 'auto' ? undefined : address;
  return {
    name: nameOf(name),
    zone,
    addresses: {
      4: set === undefined || familyOf(set) === 6 ? automatic('IPv4') : set,
      6: set === undefined || familyOf(set) === 4 ? automatic('IPv6') : set,
    },
  };
}
