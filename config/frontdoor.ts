/** The list of listeners of the front door: what it may look like, and what must hold between its parts. */
import { BYTE_ORDERS, DOOR_PATHS, LENGTH_COUNTS, PROXY_VERSIONS, REQUEST_PROTOCOLS, type FrontDoorConfig, type Network } from './frontdoor-types.js';
import { parseSelector } from './selector.js';
import * as shape from './shape.js';
import type { Fields, Finding, Reader } from './shape.js';

const NAME = /^[A-Za-z0-9]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?$/;
/** Of Kubernetes: `shop/web:http`, `shop/web:80`. */
const OF_KUBERNETES = /^[a-z0-9.-]{1,63}\/[a-z0-9.-]{1,253}:[a-z0-9-]{1,15}$/;
const port = shape.whole(1, 65535);
const minute = 60_000;
const day = 24 * 60 * minute;

const network: Reader<Network> = (value, path, findings) => {
  const parsed = typeof value === 'string' ? parseSelector(`cidr:${value.trim()}`) : '';
  const found = typeof parsed === 'string' ? undefined : parsed.network;
  if (found === undefined)
    findings.push({ path, message: `given ${JSON.stringify(value)}, expected an address or a network such as 10.0.0.0/8.`, hint: 'Correct it.' });
  return found ?? { address: [], prefix: 0 };
};

/** As many as one connection can be compared with at no cost that anybody notices. */
const networks = shape.list(network, 256);

export const frontdoorFields: Fields<FrontDoorConfig> = {
  name: { read: shape.text('a name of letters, digits, - and _', (text) => NAME.test(text)), doc: 'the name of the listener, in metrics and commands' },
  address: { read: shape.address, otherwise: '0.0.0.0', doc: 'the address that it listens on; `::` is every IPv6 address and no IPv4 one' },
  port: { read: port, doc: 'the port that it listens on' },
  service: { read: shape.text('the name of a service', (text) => NAME.test(text) || OF_KUBERNETES.test(text)), otherwise: '', doc: 'the service whose endpoints get the connections; one of Kubernetes is namespace/name:port' },
  backends: {
    read: shape.list(shape.object({
      address: { read: shape.address, doc: 'the address of the backend' },
      port: { read: port, doc: 'its port' },
      weight: { read: shape.whole(0, 10_000), otherwise: 100, doc: 'its share of the connections; 0: none' },
    }), 1024),
    otherwise: [],
    doc: 'who gets the connections, when no service is named: address, port, weight',
  },
  path: { read: shape.choice(DOOR_PATHS), otherwise: 'copy', doc: 'how connections reach a backend that listens on this host: copy (through the door) or direct (the kernel gives them to the backend, which sees the client; limits and times below are then for the others)' },
  maxConnections: { read: shape.whole(1, 1_000_000), otherwise: 10_000, doc: 'most connections at once; further ones are reset as soon as they are accepted' },
  allow: { read: networks, otherwise: [], doc: 'networks whose clients are served; empty: everybody' },
  deny: { read: networks, otherwise: [], doc: 'networks whose clients are reset; wins over `allow`' },
  acceptProxy: { read: shape.flag, otherwise: false, doc: 'whether each connection must begin with a header of the PROXY protocol, version 1 or 2. `allow` and `deny` are about who connects, not about whom the header names' },
  sendProxy: { read: shape.choice(PROXY_VERSIONS), otherwise: 'off', doc: 'the PROXY header that backends get first: one of off, v1, v2' },
  connectTimeout: { read: shape.duration(1, 10 * minute), otherwise: 5000, doc: 'longest wait for a backend, then another is tried, three at most; also for the PROXY header' },
  idleTimeout: { read: shape.duration(0, 30 * day), otherwise: 10 * minute, doc: 'a connection over which nothing has moved for so long is reset; 0: never' },
  drainTimeout: { read: shape.duration(0, day), otherwise: 30_000, doc: 'how long open connections may go on once the listener was taken away, then they are reset' },
  requests: { read: shape.choice(REQUEST_PROTOCOLS), otherwise: 'off', doc: 'whether what passes is read as requests and answers, which are counted and timed: one of off, http1, length (messages that begin with their length)' },
  lengthAt: { read: shape.whole(0, 64), otherwise: 0, doc: 'with `requests: length`: bytes of a message before its length' },
  lengthBytes: { read: shape.whole(1, 8), otherwise: 4, doc: 'with `requests: length`: bytes of the length' },
  lengthOrder: { read: shape.choice(BYTE_ORDERS), otherwise: 'big', doc: 'with `requests: length`: which byte of it comes first, that of most weight (big) or of least (little)' },
  lengthCounts: { read: shape.choice(LENGTH_COUNTS), otherwise: 'rest', doc: 'with `requests: length`: what it counts: rest (what follows it), itself (and what follows), whole (the message from its first byte)' },
};

/** Most listeners; each has a socket in every thread. */
export const MOST_DOORS = 256;

function between(doors: readonly FrontDoorConfig[], findings: Finding[]): void {
  const names = new Set<string>(), places = new Map<string, string>();
  doors.forEach((door, index) => {
    const { name, address, port: at, service, backends } = door;
    if (names.has(name)) findings.push({ path: [index, 'name'], message: `${name} is there twice.`, hint: 'Give each listener a name of its own.' });
    names.add(name);
    const other = places.get(`${address} ${at}`);
    if (other !== undefined) findings.push({ path: [index, 'port'], message: `${address}:${at} belongs to ${other} already.`, hint: 'Give each listener an address or a port of its own.' });
    places.set(`${address} ${at}`, name);
    if (service === '' && backends.length === 0) findings.push({ path: [index], message: `${name} leads nowhere.`, hint: 'Give service or backends.' });
    if (service !== '' && backends.length > 0) findings.push({ path: [index, 'backends'], message: `${name} has a service already.`, hint: 'Give service or backends, not both.' });
    const reads = [...(door.acceptProxy ? ['acceptProxy'] : []), ...(door.sendProxy === 'off' ? [] : ['sendProxy']), ...(door.requests === 'off' ? [] : ['requests'])];
    if (door.path === 'direct' && reads.length > 0)
      findings.push({ path: [index, 'path'], message: `${name} has ${reads.join(' and ')}, for which bytes must pass through the door.`, hint: 'Leave path at copy, or take that away.' });
    if (backends.some((backend) => backend.address === address && backend.port === at))
      findings.push({ path: [index, 'backends'], message: `${name} would connect to itself.`, hint: 'Name the backend behind it.' });
  });
}

export function readFrontDoors(value: unknown): { value: FrontDoorConfig[]; findings: Finding[] } {
  const findings: Finding[] = [];
  const doors = shape.list(shape.object(frontdoorFields), MOST_DOORS)(value, [], findings);
  if (findings.length === 0) between(doors, findings);
  return { value: doors, findings };
}
