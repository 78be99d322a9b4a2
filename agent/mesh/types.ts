/**
 * The kernel side of balancing as the rest of the agent sees it. Two implementations: native.ts (the addon) and fake.ts
 * (tests). No byte offset, no errno, no map name passes here.
 */
import type { Protocol } from '../../config/service-types.js';
import type { TuningOption } from '../../config/tuning-types.js';
import type { Table } from '../balance/table.js';
import type { ProgramInfo } from '../datapath/types.js';

export type EndpointState = 'up' | 'draining' | 'down';

/** A virtual address and the number of the service behind it. */
export interface Vip {
  readonly address: string;
  readonly port: number;
  readonly protocol: Protocol;
  readonly service: number;
}

export interface KernelEndpoint {
  /** Never used for another endpoint. */
  readonly number: number;
  readonly service: number;
  readonly address: string;
  readonly port: number;
  readonly weight: number;
  readonly state: EndpointState;
  /** Milliseconds since it came; undefined: long ago. */
  readonly age: number | undefined;
}

/** What this host knows of an endpoint's load. */
export interface Load {
  readonly connecting: number;
  readonly active: number;
  readonly total: number;
  readonly failures: number;
  readonly resets: number;
  /** Peak-EWMA of connect time and, with that policy, of the round-trip time. */
  readonly costMs: number;
  /** For how long it is still left alone after failures; 0: it is not. */
  readonly ejectedMs: number;
}

export const TIERS = ['host', 'zone', 'all'] as const;
export const REFUSALS = ['no_endpoint', 'connections', 'twin'] as const;
export type Tier = (typeof TIERS)[number];
export type Refusal = (typeof REFUSALS)[number];

export interface ServiceLoad {
  readonly service: number;
  readonly connecting: number;
  readonly active: number;
  /** Connections by the tier that their endpoint was chosen from, and those that affinity decided. */
  readonly picks: Readonly<Record<Tier, number>>;
  readonly kept: number;
  readonly refused: Readonly<Record<Refusal, number>>;
  /** How long connecting took: see CONNECT_TIME_BOUNDS. */
  readonly connectTimes: { readonly buckets: readonly number[]; readonly sumNs: number };
}

/** Upper bounds of all buckets of connect times but the last, in seconds: from 16 us on, twice as much in each. */
export const CONNECT_TIME_BOUNDS: readonly number[] = Array.from({ length: 19 }, (_, index) => 2 ** (14 + index) / 1e9);

/** A rule for TCP settings as the kernel takes it. Times are milliseconds. */
export interface KernelRule {
  /** Never used for another rule. */
  readonly id: number;
  /** Numbers of the services; undefined: it asks for none. */
  readonly services: readonly number[] | undefined;
  readonly port: { readonly first: number; readonly last: number };
  /** Sixteen bytes, IPv4 as v4-mapped. */
  readonly cidr: { readonly address: readonly number[]; readonly prefix: number };
  readonly set: Readonly<Partial<Record<TuningOption, number | string>>>;
}

export interface RuleTally {
  readonly rule: number;
  readonly connections: number;
  /** `error` as the kernel put it last: `ENOENT: ...`; '' when nothing was refused. */
  readonly options: Readonly<Partial<Record<TuningOption, { readonly given: number; readonly refused: number; readonly error: string }>>>;
}

/** A connection that a rule fitted. */
export interface TunedSocket {
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly netns: number;
  /** Of its socket; '0' when no process has it. */
  readonly inode: string;
  readonly rule: number;
  readonly given: readonly TuningOption[];
  readonly refused: readonly TuningOption[];
  /** What the kernel has now, in the units of KernelRule; what it does not tell is missing. */
  readonly now: Readonly<Partial<Record<TuningOption, number | string>>>;
}

export interface Found {
  readonly vips: readonly Vip[];
  readonly endpoints: readonly KernelEndpoint[];
}

export interface MeshKernelInfo {
  readonly tookOver: boolean;
  readonly programs: readonly ProgramInfo[];
  /** Optional hooks that could not be attached, and why. */
  readonly missing: readonly string[];
}

export interface MeshKernel {
  info(): MeshKernelInfo;
  /** What an earlier agent left. */
  found(): Found;
  setEnabled(on: boolean): void;
  /** Cgroup directories that see addresses as they are. `service` undefined: of every service. */
  setExcepts(excepts: readonly { cgroup: string; service: number | undefined }[]): void;
  putVips(vips: readonly Vip[]): void;
  removeVips(vips: readonly Vip[]): void;
  removeServices(numbers: readonly number[]): void;
  putEndpoints(endpoints: readonly KernelEndpoint[]): void;
  /** The counts of their connections stay until they are forgotten. */
  removeEndpoints(numbers: readonly number[]): void;
  forgetLoads(numbers: readonly number[]): void;
  /** Each changes in one step; undefined takes it away. Resolves when nobody reads the old ones any more. */
  swapTables(tables: ReadonlyMap<number, Table | undefined>): Promise<void>;
  loads(numbers: readonly number[]): Load[];
  services(): ServiceLoad[];
  /** Ends connected datagram sockets whose endpoint is gone. Resolves to how many. */
  endDead(): Promise<number>;
  /** Replaces the rules for TCP settings in one step; they hold for connections that begin from then on. */
  setRules(rules: readonly KernelRule[]): void;
  tallies(): RuleTally[];
  tuned(): Promise<TunedSocket[]>;
  /** Takes programs and pins away. Connections go on: their packets carry real addresses. */
  uninstall(): void;
  /** Gives back descriptors; what is pinned goes on. */
  close(): void;
}
