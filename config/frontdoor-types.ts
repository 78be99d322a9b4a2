/** A listener of the front door, as the configuration describes it. Durations are milliseconds. */
export const PROXY_VERSIONS = ['off', 'v1', 'v2'] as const;
export type ProxyVersion = (typeof PROXY_VERSIONS)[number];

export const REQUEST_PROTOCOLS = ['off', 'http1', 'length'] as const;
export type RequestProtocol = (typeof REQUEST_PROTOCOLS)[number];
export const BYTE_ORDERS = ['big', 'little'] as const;
/** What a length counts: what follows it, itself as well, or the whole message. */
export const LENGTH_COUNTS = ['rest', 'itself', 'whole'] as const;

/** copy: the door passes bytes on; direct: a backend that listens on this host gets the connection itself. */
export const DOOR_PATHS = ['copy', 'direct'] as const;
export type DoorPath = (typeof DOOR_PATHS)[number];

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
  readonly path: DoorPath;
  readonly maxConnections: number;
  readonly allow: readonly Network[];
  readonly deny: readonly Network[];
  readonly acceptProxy: boolean;
  readonly sendProxy: ProxyVersion;
  readonly connectTimeout: number;
  /** 0: never. */
  readonly idleTimeout: number;
  readonly drainTimeout: number;
  /** What passes is read as requests and their answers, and counted. */
  readonly requests: RequestProtocol;
  /** Where messages of `length` say how long they are: bytes before it, and of it. */
  readonly lengthAt: number;
  readonly lengthBytes: number;
  readonly lengthOrder: (typeof BYTE_ORDERS)[number];
  readonly lengthCounts: (typeof LENGTH_COUNTS)[number];
}
