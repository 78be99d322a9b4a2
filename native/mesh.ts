/**
 * The typed face of the addon's balancing part. Callers: agent/mesh/native.ts only.
 * Every call may throw an Error with the properties of NativeError; wrong arguments are a TypeError.
 */
import { join } from 'node:path';
import { native, packageRoot } from './index.js';

export interface NativeMeshOptions {
  objectPath: string;
  /** Directory of the cgroup (v2) whose processes are balanced. */
  cgroupPath: string;
  /** Directory on bpffs; made with mode 0700. Its parent must exist. */
  pinPath: string;
  maxServices: number;
  maxEndpoints: number;
  verifierLog: boolean;
}

export interface NativeVip {
  address: string;
  port: number;
  /** IP protocol number. */
  protocol: number;
  /** Number of the service behind it, from 1 on. */
  service: number;
}

export interface NativeEndpoint {
  /** Never used for another endpoint. From 1 on. */
  number: number;
  address: string;
  port: number;
  service: number;
  weight: number;
  /** Of MESH_STATES. */
  state: number;
}

/** Three words for each slot: endpoint, alias, and the highest random number that takes the endpoint. */
export interface NativeTable {
  service: number;
  policy: number;
  affinity: number;
  affinityMs: number;
  maxConnections: number;
  skewPercent: number;
  slowStartMs: number;
  ejectAfter: number;
  ejectResets: number;
  ejectMs: number;
  weightSum: number;
  hostSlots: number;
  zoneSlots: number;
  allSlots: number;
  slots: Uint32Array;
  maglev: Uint32Array;
}

export interface NativeLoad {
  connecting: number;
  active: number;
  total: number;
  failures: number;
  resets: number;
  costMs: number;
  /** 0: it is not ejected. */
  ejectedMs: number;
}

export interface NativeService {
  service: number;
  connecting: number;
  active: number;
  kept: number;
  picks: { host: number; zone: number; all: number };
  refused: { no_endpoint: number; connections: number; twin: number };
  /** Bucket i: those that took less than 2^(14 + i) ns and are in no bucket before; the last: the rest. */
  connectTimes: { buckets: number[]; sumNs: number };
}

/** A rule for TCP settings: which connections, and what of TUNE_OPTIONS (mesh_tune.h) it sets. Times in ms, but keepalive: s. */
export interface NativeTuningRule {
  /** Never used for another rule. From 1 on. */
  id: number;
  network: string;
  prefix: number;
  firstPort: number;
  lastPort: number;
  byService: boolean;
  /** Numbers of the service, one for each family; 0: none. */
  service4: number;
  service6: number;
  [option: string]: number | string | boolean;
}

export interface NativeTally {
  rule: number;
  connections: number;
  /** `error`: the latest, in words; '' when nothing was refused. */
  options: Record<string, { given: number; refused: number; error: string }>;
}

export interface NativeTuned {
  localAddress: string;
  localPort: number;
  remoteAddress: string;
  remotePort: number;
  netns: number;
  inode: string;
  rule: number;
  given: string[];
  refused: string[];
  /** What the kernel has now, as getsockopt() tells it. */
  now: Record<string, number | string>;
}

export interface NativeProgram {
  name: string;
  type: string;
  tag: string;
  id: number;
  attachedTo: string;
}

export interface NativeMesh {
  /** `missing`: optional hooks that could not be attached, and why. */
  info(): { tookOver: boolean; programs: NativeProgram[]; missing: string[] };
  /** What the pins hold. */
  state(): { vips: NativeVip[]; endpoints: NativeEndpoint[] };
  /** The calling process becomes the one that is never balanced. */
  applySettings(settings: { enabled: boolean; excepts: boolean }): void;
  putVips(vips: readonly NativeVip[]): void;
  removeVips(vips: readonly NativeVip[]): void;
  /** Their counts go with them. */
  removeServices(numbers: readonly number[]): void;
  /** `ageMs`: since slow start began; -1: long ago. */
  putEndpoints(endpoints: readonly (NativeEndpoint & { ageMs: number })[]): void;
  /** The counts of their connections stay until forgetLoads. */
  removeEndpoints(numbers: readonly number[]): void;
  forgetLoads(numbers: readonly number[]): void;
  /** Replaces the list. Service 0: all. */
  setExcepts(excepts: readonly { cgroup: string; service: number }[]): void;
  /** Each table changes in one step. Slots null: the service has no table any more. Resolves when no reader has the old. */
  swapTables(tables: readonly (NativeTable | { service: number; slots: null })[]): Promise<void>;
  loads(numbers: readonly number[]): NativeLoad[];
  services(): NativeService[];
  /** Ends connected datagram sockets whose endpoint is gone. Resolves to how many. */
  endDead(): Promise<number>;
  /** Replaces the list in one step. Counts of rules that are still there go on. */
  putTuning(rules: readonly NativeTuningRule[]): void;
  tallies(): NativeTally[];
  /** Connections that a rule fitted, and that are still there. */
  tuned(): Promise<NativeTuned[]>;
  uninstall(): void;
  /** Idempotent. Pins stay. */
  close(): void;
}

/** In the order of mesh_layout.h. */
export const MESH_STATES = ['up', 'draining', 'down'] as const;

export const { NativeMesh: NativeMeshClass } = native as unknown as {
  NativeMesh: new (options: NativeMeshOptions) => NativeMesh;
};

/** The compiled balancing programs, and the same for kernels that lack bpf_rdonly_cast. */
export const meshObjects = {
  casts: join(packageRoot(), 'bpf/build/mesh.bpf.o'),
  probes: join(packageRoot(), 'bpf/build/mesh-probe.bpf.o'),
} as const;

/** Those that this kernel takes. */
export const meshObjectPath = (): string => (native.probeCasts() === 'no' ? meshObjects.probes : meshObjects.casts);
