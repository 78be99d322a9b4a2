/** The table of one service, as the kernel reads it: from a service and its usable endpoints to words. Pure. */
import type { ServiceConfig } from '../../config/service-types.js';
import { maglevTable, sizeFor } from './maglev.js';
import { aliasSlots, plainSlots, turnSlots, weigh, type Candidate, type Slots, type Weighted } from './weights.js';

export interface Table {
  readonly policy: ServiceConfig['policy'];
  readonly affinity: ServiceConfig['affinity']['by'];
  readonly affinityMs: number;
  readonly maxConnections: number;
  /** 0: no bound. */
  readonly skewPercent: number;
  readonly slowStartMs: number;
  readonly ejectAfter: number;
  readonly ejectResets: number;
  readonly ejectMs: number;
  readonly weightSum: number;
  /** Slots of each tier, in this order in `slots`; 0: that tier is not preferred. */
  readonly tiers: { readonly host: number; readonly zone: number; readonly all: number };
  readonly slots: Uint32Array;
  readonly maglev: Uint32Array;
}

const slotsFor = (policy: ServiceConfig['policy'], weighted: readonly Weighted[]): Slots => {
  if (weighted.length === 0) return [];
  if (policy === 'round-robin') return turnSlots(weighted);
  return policy === 'random' ? aliasSlots(weighted) : plainSlots(weighted);
};

/** A tier that holds everything is no preference. */
function tiersOf(service: ServiceConfig, weighted: readonly Weighted[]): { host: Weighted[]; zone: Weighted[] } {
  const { prefer } = service.locality;
  // The consistent policy has a place for each client already.
  if (prefer === 'none' || service.policy === 'maglev') return { host: [], zone: [] };
  const host = prefer === 'host' ? weighted.filter(({ candidate }) => candidate.sameHost) : [];
  const zone = weighted.filter(({ candidate }) => candidate.sameZone);
  return { host: host.length < weighted.length ? host : [], zone: zone.length < weighted.length ? zone : [] };
}

/** The weights too, because the kernel keeps them with the endpoint. */
export function buildTable(service: ServiceConfig, candidates: readonly Candidate[]): { table: Table; weights: Map<number, number> } {
  const { policy, affinity, locality, ejection, split } = service;
  const weighted = weigh(candidates, split);
  const { host, zone } = tiersOf(service, weighted);
  const [hostSlots, zoneSlots, allSlots] = [host, zone, weighted].map((tier) => slotsFor(policy, tier)) as [Slots, Slots, Slots];
  const table: Table = {
    policy,
    // A consistent table needs somebody to be consistent for.
    affinity: policy === 'maglev' && affinity.by === 'none' ? 'workload' : affinity.by,
    affinityMs: affinity.timeout,
    maxConnections: service.maxConnections,
    skewPercent: Math.round(locality.maxSkew * 100),
    slowStartMs: service.slowStart,
    ejectAfter: ejection.failures,
    ejectResets: ejection.resets,
    ejectMs: ejection.time,
    weightSum: weighted.reduce((sum, { weight }) => sum + weight, 0),
    tiers: { host: hostSlots.length / 3, zone: zoneSlots.length / 3, all: allSlots.length / 3 },
    slots: Uint32Array.from([...hostSlots, ...zoneSlots, ...allSlots]),
    maglev: policy === 'maglev' && weighted.length > 0 ? maglevTable(weighted, service.tableSize || sizeFor(weighted.length)) : new Uint32Array(0),
  };
  return { table, weights: new Map(weighted.map(({ candidate, weight }) => [candidate.number, weight])) };
}
