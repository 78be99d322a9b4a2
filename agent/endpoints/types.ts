/** Endpoints as the agent knows them, wherever they come from. */
import type { Protocol } from '../../config/service-types.js';

export const HEALTH = ['unknown', 'healthy', 'unhealthy'] as const;
export type Health = (typeof HEALTH)[number];

/** What is said about one endpoint, by its owner. */
export interface EndpointRecord {
  readonly service: string;
  readonly address: string;
  readonly port: number;
  readonly protocol: Protocol;
  readonly weight: number;
  readonly zone: string;
  readonly version: string;
  /** Name of the host that it runs on; '' when nobody said. */
  readonly host: string;
  /** Command name of the process, or what the source knows it by. */
  readonly workload: string;
  readonly health: Health;
  /** It takes no new connection; those that it has go on. */
  readonly draining: boolean;
}

/**
 * `config`: always there. `local`: a listener of this host. `bus`: told by another host, on a lease.
 * `before`: found in the pins of an earlier agent, believed for one lease.
 */
export type Origin = 'config' | 'local' | 'bus' | 'before';

export interface Entry {
  readonly key: string;
  readonly record: EndpointRecord;
  readonly origin: Origin;
  /** Who said so: name of the host for `bus`. */
  readonly owner: string;
  /** Its owner has gone, or its record has; it is kept until the lease runs out. */
  readonly held: boolean;
}
