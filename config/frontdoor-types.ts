/** A listener of the front door, as the configuration describes it. Durations are milliseconds. */
export const PROXY_VERSIONS = ['off', 'v1', 'v2'] as const;
export type ProxyVersion = (typeof PROXY_VERSIONS)[number];

export interface Network {
  /** Sixteen bytes, IPv4 as v4-mapped, and how many bits of them count. */
  readonly address: readonly number[];
  readonly prefix: number;
}

export interface FrontDoorConfig {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  /** Name of the service whose endpoints get the connections; '' when `backends` says it. */
  readonly service: string;
  readonly backends: readonly { readonly address: string; readonly port: number; readonly weight: number }[];
  readonly maxConnections: number;
  readonly allow: readonly Network[];
  readonly deny: readonly Network[];
  readonly acceptProxy: boolean;
  readonly sendProxy: ProxyVersion;
  readonly connectTimeout: number;
  /** 0: never. */
  readonly idleTimeout: number;
  readonly drainTimeout: number;
}
