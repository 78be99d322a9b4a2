/** Services of Kubernetes as services of Sidestep: each port of one is a service of its own. Pure. */
import { POLICIES, type Policy, type Protocol, type ServiceConfig } from '../../config/service-types.js';
import { familyOf } from '../../config/services.js';
import type { EndpointRecord } from '../endpoints/types.js';
import { nameOf as hostName } from '../mesh/host.js';
import { PREFIX } from './read.js';
import type { Service, ServicePort, Slice, SliceEndpoint } from './types.js';

export interface Node {
  /** Of Kubernetes; '' when nobody said. */
  readonly node: string;
  /** Of Sidestep. */
  readonly host: string;
  readonly zone: string;
}

export type Wanted = 'off' | 'annotated' | 'all';

/** Whether Sidestep balances it, and what is wrong with its annotation. Nobody's connections are balanced by surprise. */
export function isMeshed({ wishes: { mesh } }: Pick<Service, 'wishes'>, wanted: Wanted): boolean {
  if (wanted === 'off' || (mesh !== undefined && mesh !== 'enabled')) return false;
  return mesh === 'enabled' || wanted === 'all';
}

export function problemsOf(service: Service, wanted: Wanted): string[] {
  const { mesh, policy } = service.wishes;
  const at = (key: string): string => `annotation ${PREFIX}${key} of service ${service.namespace}/${service.name}`;
  if (mesh !== undefined && mesh !== 'enabled' && mesh !== 'disabled')
    return [`${at('mesh')}: given ${JSON.stringify(mesh)}, expected enabled or disabled; it is not balanced until it is corrected`];
  if (!isMeshed(service, wanted)) return [];
  const isKnown = policy === undefined || POLICIES.some((known) => known === policy);
  return [
    ...(mesh === 'enabled' && service.addresses.length === 0 ? [`${at('mesh')}: it has no virtual address (headless, or ExternalName), so there is nothing to balance`] : []),
    ...(isKnown ? [] : [`${at('policy')}: given ${JSON.stringify(policy)}, expected one of ${POLICIES.join(', ')}; random holds until it is corrected`]),
    ...(isKnown && counts(policy) && service.ports.some(({ protocol }) => protocol === 'udp') ? [`${at('policy')}: ${policy ?? ''} needs connections; its udp ports take random`] : []),
  ];
}

const counts = (policy: string | undefined): boolean => policy === 'least-connections' || policy === 'peak-ewma';

function policyOf(policy: string | undefined, protocol: Protocol): Policy {
  return protocol === 'udp' && counts(policy) ? 'random' : (POLICIES.find((known) => known === policy) ?? 'random');
}

/** A slash and a colon are in no name of the configuration, so that the two never meet. */
export const serviceName = ({ namespace, name }: Pick<Service, 'namespace' | 'name'>, port: ServicePort): string =>
  `${namespace}/${name}:${port.name === '' ? String(port.port) : port.name}`;

/** `near`: whom the API server's hints prefer. */
function configOf(service: Service, port: ServicePort, near: 'none' | 'zone' | 'host'): ServiceConfig {
  return {
    name: serviceName(service, port), addresses: service.addresses, port: port.port, protocol: port.protocol, policy: policyOf(service.wishes['policy'], port.protocol),
    endpoints: [], local: { port: 0, program: '', weight: 100, version: '' }, health: null,
    affinity: service.affinity === 0 ? { by: 'none', timeout: 0 } : { by: 'address', timeout: service.affinity },
    locality: { prefer: near, maxSkew: 0 }, maxConnections: 0, ejection: { failures: 5, resets: 10, time: 30_000 }, slowStart: 0, tableSize: 0, split: {}, except: [],
  };
}

/** Endpoints of one address: it may be in two slices while it moves from one to the other. */
function better(known: SliceEndpoint | undefined, other: SliceEndpoint): boolean {
  return !known || (other.ready && !known.ready);
}

function endpointsOf(service: Service, port: ServicePort, slices: readonly Slice[], { node }: Node): { address: string; port: number; endpoint: SliceEndpoint }[] {
  const found = new Map<string, { address: string; port: number; endpoint: SliceEndpoint }>();
  for (const { ports, endpoints } of slices) {
    for (const target of ports.filter(({ name, protocol }) => name === port.name && protocol === port.protocol)) {
      for (const endpoint of endpoints) {
        if (service.localOnly && endpoint.node !== node) continue;
        for (const address of endpoint.addresses) {
          const key = `${address} ${target.port}`;
          if (better(found.get(key)?.endpoint, endpoint)) found.set(key, { address, port: target.port, endpoint });
        }
      }
    }
  }
  return [...found.values()];
}

/** Hints count when every endpoint that serves has them; then those for us are near, and no others. */
function nearOf(endpoints: readonly SliceEndpoint[]): 'none' | 'zone' | 'host' {
  const ready = endpoints.filter((one) => one.ready);
  if (ready.length === 0) return 'none';
  if (ready.every(({ forNodes }) => forNodes.length > 0)) return 'host';
  return ready.every(({ forZones }) => forZones.length > 0) ? 'zone' : 'none';
}

export interface Part {
  readonly config: ServiceConfig;
  readonly records: readonly EndpointRecord[];
}

/** The ports of a service with their endpoints. Those that are on their way out serve on where nobody else does. */
export function partsOf(service: Service, slices: readonly Slice[], here: Node): Part[] {
  if (service.addresses.length === 0) return [];
  const families = new Set(service.addresses.map(familyOf));
  return service.ports.map((port) => {
    const found = endpointsOf(service, port, slices, here);
    const near = nearOf(found.map(({ endpoint }) => endpoint));
    const served = new Set(found.filter(({ endpoint }) => endpoint.ready).map(({ address }) => familyOf(address)));
    const config = configOf(service, port, near);
    const records = found.filter(({ address }) => families.has(familyOf(address))).map(({ address, port: at, endpoint }): EndpointRecord => ({
      service: config.name, address, port: at, protocol: port.protocol, weight: 100, version: '', workload: endpoint.pod, health: 'unknown',
      ...placeOf(endpoint, near, here), draining: !endpoint.ready && served.has(familyOf(address)),
    }));
    return { config, records };
  });
}

/** Where it runs, or, with hints, whom it is meant for. */
function placeOf({ node, zone, forZones, forNodes }: SliceEndpoint, near: 'none' | 'zone' | 'host', here: Node): { host: string; zone: string } {
  if (near === 'host') return { host: forNodes.includes(here.node) ? here.host : '', zone };
  const host = node === here.node ? here.host : node === '' ? '' : hostName('auto', '', node);
  if (near === 'zone') return { host, zone: forZones.includes(here.zone) ? here.zone : '' };
  return { host, zone };
}
