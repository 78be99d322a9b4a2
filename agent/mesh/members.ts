/**
 * One service of one address family, as the kernel should see it: who is in it, and in which state. Pure; several sources
 * may tell of the same address, and the nearest one is believed.
 */
import type { ServiceConfig } from '../../config/service-types.js';
import type { Candidate } from '../balance/weights.js';
import type { EndpointRecord, Entry, Origin } from '../endpoints/types.js';
import type { EndpointState } from './types.js';

/** What this host knows better than the record. */
export interface Override {
  readonly draining?: boolean;
  readonly weight?: number;
}

export interface Member {
  readonly id: string;
  readonly number: number;
  readonly address: string;
  readonly port: number;
  /** When it came, in milliseconds of a steady clock; undefined: it was there before. */
  readonly since: number | undefined;
  /** By the key of the store, whose entries change in place. */
  readonly told: Map<string, Entry>;
  /** As the table has it. */
  shape: string;
  /** Of the checks of this host. */
  checked: boolean | undefined;
  override: Override;
  /** As the kernel has it. */
  state: EndpointState;
  weight: number;
}

const trust: Readonly<Record<Origin, number>> = { local: 3, config: 2, bus: 1, before: 0 };

export const memberId = (address: string, port: number): string => `${address}|${port}`;

/** The record that counts. */
export function recordOf(member: Member): EndpointRecord {
  let best: Entry | undefined;
  for (const entry of member.told.values()) if (!best || trust[entry.origin] > trust[best.origin]) best = entry;
  return (best as Entry).record;
}

export const weightOf = (member: Member): number => member.override.weight ?? recordOf(member).weight;

const isDown = (member: Member): boolean => !(member.checked ?? recordOf(member).health !== 'unhealthy');
const isDraining = (member: Member): boolean => member.override.draining ?? recordOf(member).draining;

/** When all that could serve are down, the checks are believed less than the endpoints: better to try than to refuse. */
export function desperate(members: Iterable<Member>): boolean {
  let candidates = 0;
  for (const member of members) {
    if (isDraining(member) || weightOf(member) === 0) continue;
    if (!isDown(member)) return false;
    candidates++;
  }
  return candidates > 0;
}

export function stateOf(member: Member, isDesperate: boolean): EndpointState {
  if (isDown(member) && !isDesperate) return 'down';
  return isDraining(member) ? 'draining' : 'up';
}

export interface Place {
  readonly host: string;
  readonly zone: string;
}

export function candidateOf(member: Member, place: Place): Candidate {
  const record = recordOf(member);
  return {
    number: member.number,
    identity: member.id,
    weight: weightOf(member),
    version: record.version,
    sameHost: record.host !== '' && record.host === place.host,
    sameZone: record.zone !== '' && record.zone === place.zone,
  };
}

/** What the table knows of a member, to see whether it changed. */
export const shapeOfMember = (member: Member, place: Place): string => JSON.stringify(candidateOf(member, place));

/** Anything that changes the table, beyond who is in it. */
export const shapeOf = (service: ServiceConfig): string => JSON.stringify({ ...service, endpoints: [], health: null, except: [], local: {} });
