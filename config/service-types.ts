/** A service as the configuration describes it. Durations are milliseconds. */
export const PROTOCOLS = ['tcp', 'udp'] as const;
export const POLICIES = ['random', 'round-robin', 'least-connections', 'peak-ewma', 'maglev'] as const;
export const AFFINITIES = ['none', 'workload', 'address'] as const;
export const LOCALITIES = ['none', 'host', 'zone'] as const;
export const HEALTH_CHECKS = ['tcp', 'http'] as const;

export type Protocol = (typeof PROTOCOLS)[number];
export type Policy = (typeof POLICIES)[number];
export type Affinity = (typeof AFFINITIES)[number];
export type Locality = (typeof LOCALITIES)[number];
export type HealthType = (typeof HEALTH_CHECKS)[number];

export interface StaticEndpoint {
  readonly address: string;
  readonly port: number;
  readonly weight: number;
  readonly zone: string;
  readonly version: string;
  /** Name of the host that it runs on; '' when nobody said. */
  readonly host: string;
}

export interface HealthConfig {
  readonly type: HealthType;
  /** Of the HTTP request. */
  readonly path: string;
  readonly interval: number;
  readonly timeout: number;
  /** Good answers until an endpoint is up again, bad ones until it is down. */
  readonly rise: number;
  readonly fall: number;
}

export interface ServiceConfig {
  readonly name: string;
  /** Virtual addresses. Each takes endpoints of its own family. */
  readonly addresses: readonly string[];
  readonly port: number;
  readonly protocol: Protocol;
  readonly policy: Policy;
  readonly endpoints: readonly StaticEndpoint[];
  /** Listeners of this host that become endpoints: those on `port`, of `program` if one is named. Port 0: none. */
  readonly local: { readonly port: number; readonly program: string; readonly weight: number; readonly version: string };
  readonly health: HealthConfig | null;
  readonly affinity: { readonly by: Affinity; readonly timeout: number };
  readonly locality: { readonly prefer: Locality; readonly maxSkew: number };
  /** Most connections from this host at once; 0: no limit. */
  readonly maxConnections: number;
  /** Connect failures in a row until an endpoint is left alone for a while; 0: never. */
  /** After so many failures, or resets, in a row; 0: never. */
  readonly ejection: { readonly failures: number; readonly resets: number; readonly time: number };
  readonly slowStart: number;
  /** Size of the Maglev table; 0: chosen by the number of endpoints. */
  readonly tableSize: number;
  /** Share of each version; empty: by weight alone. */
  readonly split: Readonly<Record<string, number>>;
  /** Cgroup directories whose processes see the virtual address as it is. */
  readonly except: readonly string[];
}
