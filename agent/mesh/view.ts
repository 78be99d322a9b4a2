/** Services and endpoints as the admin API and the metrics show them. */
import type { Policy, Protocol, ServiceConfig } from '../../config/service-types.js';
import type { Origin } from '../endpoints/types.js';
import type { BusChoice } from '../bus/bus.js';
import type { RegistryState } from '../bus/state.js';
import type { Group } from './group.js';
import { recordOf, weightOf, type Member } from './members.js';
import { REFUSALS, TIERS, type EndpointState, type Load, type Refusal, type ServiceLoad, type Tier } from './types.js';

export interface ServiceView {
  readonly name: string;
  readonly addresses: readonly string[];
  readonly port: number;
  readonly protocol: Protocol;
  readonly policy: Policy;
  readonly split: Readonly<Record<string, number>>;
  readonly endpoints: number;
  readonly up: number;
  readonly draining: number;
  readonly down: number;
  /** Every endpoint is said to be down, and none is left out for it. */
  readonly desperate: boolean;
  /** Of this host, now. */
  readonly connections: number;
  readonly picks: Readonly<Record<Tier, number>>;
  readonly kept: number;
  readonly refused: Readonly<Record<Refusal, number>>;
  readonly connectTimes: ServiceLoad['connectTimes'];
}

export interface EndpointView {
  readonly service: string;
  readonly address: string;
  readonly port: number;
  readonly host: string;
  readonly zone: string;
  readonly version: string;
  readonly weight: number;
  readonly state: EndpointState;
  readonly origin: Origin;
  readonly workload: string;
  /** Its record has vanished; it is kept until its lease runs out. */
  readonly held: boolean;
  readonly load: Load;
}

export interface BusView {
  readonly choice: BusChoice;
  readonly why: string;
  readonly restarts: number;
  readonly registry: RegistryState | undefined;
  readonly endpoints: number;
  /** Records that found no room. */
  readonly refused: number;
}

const nothing: ServiceLoad = {
  service: 0, connecting: 0, active: 0, kept: 0, picks: { host: 0, zone: 0, all: 0 }, refused: { no_endpoint: 0, connections: 0, twin: 0 },
  connectTimes: { buckets: [], sumNs: 0 },
};

/** Of two families. One that the kernel does not know has no buckets. */
const addTimes = (a: ServiceLoad['connectTimes'], b: ServiceLoad['connectTimes']): ServiceLoad['connectTimes'] => {
  const [longer, other] = a.buckets.length >= b.buckets.length ? [a, b] : [b, a];
  return { buckets: longer.buckets.map((count, index) => count + (other.buckets[index] ?? 0)), sumNs: a.sumNs + b.sumNs };
};

const sumOf = <K extends string>(keys: readonly K[], rows: readonly Readonly<Record<K, number>>[]): Record<K, number> =>
  Object.fromEntries(keys.map((key) => [key, rows.reduce((sum, row) => sum + row[key], 0)])) as Record<K, number>;

export function serviceView(service: ServiceConfig, groups: readonly Group[], loads: ReadonlyMap<number, ServiceLoad>): ServiceView {
  const members = groups.flatMap((group) => [...group.members.values()]);
  const load = groups.map((group) => loads.get(group.number) ?? nothing);
  const inState = (state: EndpointState): number => members.filter((member) => member.state === state).length;
  return {
    name: service.name, addresses: service.addresses, port: service.port, protocol: service.protocol, policy: service.policy, split: service.split,
    endpoints: members.length, up: inState('up'), draining: inState('draining'), down: inState('down'),
    desperate: groups.some(({ desperate }) => desperate),
    connections: load.reduce((sum, { active, connecting }) => sum + active + connecting, 0),
    picks: sumOf(TIERS, load.map(({ picks }) => picks)),
    kept: load.reduce((sum, { kept }) => sum + kept, 0),
    refused: sumOf(REFUSALS, load.map(({ refused }) => refused)),
    connectTimes: load.map(({ connectTimes }) => connectTimes).reduce(addTimes, nothing.connectTimes),
  };
}

export function endpointView(service: string, member: Member, load: Load): EndpointView {
  const { host, zone, version, workload } = recordOf(member);
  const entries = [...member.told.values()];
  return {
    service, address: member.address, port: member.port, host, zone, version, weight: weightOf(member), state: member.state, workload,
    origin: entries.find(({ record }) => record === recordOf(member))?.origin ?? 'config',
    held: entries.some(({ held }) => held), load,
  };
}

export function busProblems({ state, detail, held }: RegistryState, isClaimed: boolean): string[] {
  return [
    ...(state === 'degraded' || state === 'connecting' ? [`the bus is ${state}: ${detail}`] : []),
    ...(held > 0 ? [`${held} endpoints have vanished from the bus and are kept until their leases run out`] : []),
    ...(isClaimed ? ['another agent says that it is this host; see host.name'] : []),
  ];
}
