/** A rule for the TCP settings of connections, as the configuration describes it. */

/** In the words of bpf/include/mesh_tune.h. */
export const TUNING_OPTIONS = [
  'congestionControl', 'sendBuffer', 'receiveBuffer', 'initialWindow', 'synTimeout', 'synRetries', 'keepaliveIdle', 'keepaliveInterval',
  'keepaliveProbes', 'userTimeout', 'noDelay', 'notSentLowWater', 'pacing', 'ecn',
] as const;
export type TuningOption = (typeof TUNING_OPTIONS)[number];

/** Null: left as it is. Durations are milliseconds, sizes bytes, `pacing` bytes a second. */
export interface TuningConfig {
  /** '' for connections to whatever service, or to none. */
  readonly service: string;
  /** Of the server. */
  readonly port: { readonly first: number; readonly last: number };
  /** Of the other end: sixteen bytes, IPv4 as v4-mapped, and how many bits of them count. */
  readonly cidr: { readonly address: readonly number[]; readonly prefix: number };
  readonly congestionControl: string | null;
  readonly sendBuffer: number | null;
  readonly receiveBuffer: number | null;
  /** Segments. */
  readonly initialWindow: number | null;
  readonly synTimeout: number | null;
  readonly synRetries: number | null;
  readonly keepaliveIdle: number | null;
  readonly keepaliveInterval: number | null;
  readonly keepaliveProbes: number | null;
  readonly userTimeout: number | null;
  readonly noDelay: boolean | null;
  readonly notSentLowWater: number | null;
  readonly pacing: number | null;
  readonly ecn: boolean | null;
}
