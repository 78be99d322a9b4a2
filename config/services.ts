/** The list of services: what it may look like, and what must hold between its parts. */
import { isIP } from 'node:net';
import * as shape from './shape.js';
import type { Fields, Finding } from './shape.js';
import {
  AFFINITIES, HEALTH_CHECKS, LOCALITIES, POLICIES, PROTOCOLS,
  type HealthConfig, type ServiceConfig, type StaticEndpoint,
} from './service-types.js';

/** Also a token of a key on the bus: no dots, no wildcards. */
const NAME = /^[A-Za-z0-9]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?$/;
const name = shape.text('a name of letters, digits, - and _', (text) => NAME.test(text));
const label = shape.text('a name of letters, digits, - and _, or nothing', (text) => text === '' || NAME.test(text));
const port = shape.whole(1, 65535);
const weight = shape.whole(0, 10_000);
const path = shape.text('an absolute path without ".."', (text) => text.startsWith('/') && !text.split('/').includes('..'));
const minute = 60_000;

const endpoint: Fields<StaticEndpoint> = {
  address: { read: shape.address, doc: 'the address of the endpoint' },
  port: { read: port, doc: 'its port' },
  weight: { read: weight, otherwise: 100, doc: 'its share of the connections, against the other endpoints; 0: none' },
  zone: { read: label, otherwise: '', doc: 'its zone' },
  version: { read: label, otherwise: '', doc: 'what it runs, for `split`' },
  host: { read: label, otherwise: '', doc: 'name of the host that it runs on' },
};

const health: Fields<HealthConfig> = {
  type: { read: shape.choice(HEALTH_CHECKS), doc: 'how it is checked: `tcp` connects, `http` wants an answer from 200 to 399' },
  path: { read: shape.text('a path that begins with /', (text) => /^\/[\x21-\x7e]*$/.test(text)), otherwise: '/', doc: 'of the HTTP request' },
  interval: { read: shape.duration(100, 60 * minute), otherwise: 5000, doc: 'between two checks' },
  timeout: { read: shape.duration(10, minute), otherwise: 1000, doc: 'longest wait for an answer' },
  rise: { read: shape.whole(1, 100), otherwise: 2, doc: 'good answers in a row until it is up' },
  fall: { read: shape.whole(1, 100), otherwise: 3, doc: 'bad answers in a row until it is down' },
};

/** A consistent table of a size that is no prime would favour some endpoints. */
function isPrime(size: number): boolean {
  for (let divisor = 2; divisor * divisor <= size; divisor++) if (size % divisor === 0) return false;
  return size > 1;
}

const tableSize: shape.Reader<number> = (value, at, findings) => {
  if (typeof value === 'number' && value >= 7 && value <= 131_071 && isPrime(value)) return value;
  findings.push({ path: at, message: `given ${JSON.stringify(value)}, expected a prime from 7 to 131071.`, hint: '1021, 4093, 16381 and 65521 are primes.' });
  return 0;
};

export const serviceFields: Fields<ServiceConfig> = {
  name: { read: name, doc: 'the name of the service, the same on every host' },
  addresses: { read: shape.list(shape.address, 16), doc: 'its virtual addresses; each takes endpoints of its own family' },
  port: { read: port, doc: 'its virtual port' },
  protocol: { read: shape.choice(PROTOCOLS), otherwise: 'tcp', doc: `one of ${PROTOCOLS.join(', ')}` },
  policy: { read: shape.choice(POLICIES), otherwise: 'random', doc: `how an endpoint is chosen: one of ${POLICIES.join(', ')}` },
  endpoints: { read: shape.list(shape.object(endpoint), 65_536), otherwise: [], doc: 'endpoints that are always there' },
  local: {
    read: shape.object({
      port: { read: port, doc: 'the port that they listen on' },
      program: { read: shape.text('a name of at most 15 bytes', (text) => Buffer.byteLength(text) <= 15), otherwise: '', doc: 'the command name of the process; empty: any' },
      weight: { read: weight, otherwise: 100, doc: 'as of an endpoint' },
      version: { read: label, otherwise: '', doc: 'as of an endpoint' },
    }),
    otherwise: { port: 0, program: '', weight: 100, version: '' },
    doc: 'listeners of this host that become endpoints, here and for the other hosts',
  },
  health: { read: shape.object(health), otherwise: null, doc: 'active health checks' },
  affinity: {
    read: shape.object({
      by: { read: shape.choice(AFFINITIES), doc: 'who keeps its endpoint: a `workload` (cgroup) or an `address` (network namespace)' },
      timeout: { read: shape.duration(1000, 24 * 60 * minute), otherwise: 10 * minute, doc: 'how long, after its last connection' },
    }),
    otherwise: { by: 'none', timeout: 0 },
    doc: 'session affinity',
  },
  locality: {
    read: shape.object({
      prefer: { read: shape.choice(LOCALITIES), doc: '`host`: this host first, then its zone; `zone`: the zone first' },
      maxSkew: { read: shape.number(0, 1000), otherwise: 0, doc: 'most connections of a preferred endpoint, in multiples of its fair share; 0: no bound' },
    }),
    otherwise: { prefer: 'none', maxSkew: 0 },
    doc: 'near endpoints first',
  },
  maxConnections: { read: shape.whole(0, 4_000_000_000), otherwise: 0, doc: 'most connections from this host at once; further ones get ECONNREFUSED; 0: no limit' },
  ejection: {
    read: shape.object({
      failures: { read: shape.whole(0, 1000), otherwise: 5, doc: 'connect failures in a row; 0: never' },
      resets: { read: shape.whole(0, 1000), otherwise: 10, doc: 'open connections that it resets in a row; 0: never' },
      time: { read: shape.duration(100, 60 * minute), otherwise: 30_000, doc: 'how long it is left alone; doubles each time' },
    }),
    otherwise: { failures: 5, resets: 10, time: 30_000 },
    doc: 'endpoints that refuse or reset connections are left alone for a while',
  },
  slowStart: { read: shape.duration(0, 60 * minute), otherwise: 0, doc: 'how long a new endpoint takes to get its full share' },
  tableSize: { read: tableSize, otherwise: 0, doc: 'size of the Maglev table, a prime; left out, it follows the number of endpoints' },
  split: { read: shape.record(shape.whole(0, 1_000_000), 64), otherwise: {}, doc: 'shares of the versions, such as {v1: 90, v2: 10}; endpoints of no named version get nothing' },
  except: { read: shape.list(path, 256), otherwise: [], doc: 'cgroup directories whose processes see the virtual address as it is' },
};

/** What a single key cannot say. */
function between(services: readonly ServiceConfig[], findings: Finding[]): void {
  const names = new Set<string>(), vips = new Map<string, string>();
  services.forEach((service, index) => {
    const at = [index];
    if (names.has(service.name)) findings.push({ path: [...at, 'name'], message: `${service.name} is there twice.`, hint: 'Give each service a name of its own.' });
    names.add(service.name);
    if (service.protocol === 'udp' && (service.policy === 'least-connections' || service.policy === 'peak-ewma'))
      findings.push({ path: [...at, 'policy'], message: `${service.policy} needs connections, and ${service.name} is udp.`, hint: 'Take random, round-robin or maglev.' });
    if (service.addresses.length === 0) findings.push({ path: [...at, 'addresses'], message: 'the list is empty.', hint: 'Give at least one virtual address.' });
    for (const address of service.addresses) {
      const vip = `${address} ${service.port} ${service.protocol}`;
      const other = vips.get(vip);
      if (other !== undefined)
        findings.push({ path: [...at, 'addresses'], message: `${address}:${service.port} belongs to ${other} already.`, hint: 'Give each service an address or a port of its own.' });
      vips.set(vip, service.name);
    }
    for (const [number, { address, port: at_ }] of service.endpoints.entries())
      if (vips.has(`${address} ${at_} ${service.protocol}`))
        findings.push({ path: [...at, 'endpoints', number], message: `${address}:${at_} is a virtual address.`, hint: 'Name the endpoint behind it.' });
  });
}

export function readServices(value: unknown): { services: ServiceConfig[]; findings: Finding[] } {
  const findings: Finding[] = [];
  const services = shape.list(shape.object(serviceFields), 16_384)(value, [], findings);
  if (findings.length === 0) between(services, findings);
  return { services, findings };
}

export const familyOf = (address: string): 4 | 6 => (isIP(address) === 4 ? 4 : 6);
