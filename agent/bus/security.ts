/** What a connection to the bus must be before it is made: encrypted, unless it never leaves this host or somebody said so. */
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import type { TlsOptions } from 'nats';
import type { Config } from '../../config/types.js';
import { SidestepError } from '../errors.js';

const urlOf = (server: string): URL => new URL(/^[a-z]+:\/\//.test(server) ? server : `nats://${server}`);
export const hostOf = (server: string): string => urlOf(server).hostname.replace(/^\[|\]$/g, '');

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));

function read(file: string, key: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new SidestepError('bus_refused', `${key}: ${file} cannot be read`, error);
  }
}

/** Undefined: no TLS, and that is allowed. */
export function tlsOf(bus: Config['bus']): TlsOptions | undefined {
  const { servers } = bus;
  const asked = bus.ca !== '' || bus.certificate !== '' || servers.some((server) => server.startsWith('tls://'));
  if (asked) {
    if ((bus.certificate === '') !== (bus.key === '')) throw new SidestepError('bus_refused', 'bus.certificate and bus.key belong together');
    return {
      ...(bus.ca === '' ? {} : { ca: read(bus.ca, 'bus.ca') }),
      ...(bus.certificate === '' ? {} : { cert: read(bus.certificate, 'bus.certificate'), key: read(bus.key, 'bus.key') }),
    };
  }
  const bare = servers.filter((server) => !isLoopback(hostOf(server)));
  if (bare.length > 0 && !bus.plaintext) throw new SidestepError('bus_plaintext', bare.join(', '));
  return undefined;
}

/** The way to the bus must not lead through what the bus says (lb-map-emptied-own-dependency-cut). */
export function refuseOwnAddresses({ bus, services }: Config): void {
  const virtual = new Map(services.flatMap(({ name, addresses }) => addresses.map((address) => [address, name] as const)));
  for (const server of bus.servers) {
    const service = virtual.get(hostOf(server));
    if (service !== undefined) throw new SidestepError('bus_refused', `bus.servers: ${server} is a virtual address of service ${service}; name the servers behind it`);
  }
}
