/** What the agent is told. Sizes are bytes and durations are milliseconds by the time anybody reads them here. */
import type { FrontDoorConfig } from './frontdoor-types.js';
import type { ServiceConfig } from './service-types.js';
import type { TuningConfig } from './tuning-types.js';

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error';
export type LogFormat = 'auto' | 'json' | 'pretty' | 'journal';
export type DatapathMode = 'auto' | 'unified' | 'split' | 'off';
export type Preseed = 'off' | 'buildid' | 'name';
export type OnExit = 'retire' | 'keep';
export type BusMode = 'auto' | 'off' | 'embedded' | 'external';
export type KubernetesServices = 'annotated' | 'all' | 'off';
export type ReuseportPolicy = 'least-queue' | 'round-robin' | 'weighted' | 'cpu' | 'sticky';

export interface Config {
  readonly log: { readonly level: LogLevel; readonly format: LogFormat };
  readonly runDir: string;
  readonly stateDir: string;
  readonly cgroup: { readonly path: string };
  readonly bpf: { readonly pinPath: string };
  readonly datapath: {
    readonly mode: DatapathMode;
    readonly enabled: boolean;
    readonly observe: boolean;
    readonly trustListeners: boolean;
    readonly maxPairs: number;
    readonly maxHalfOpen: number;
    readonly maxListeners: number;
    readonly maxEdges: number;
    readonly queueBytes: number;
    readonly eventBuffer: number;
    readonly selfTest: boolean;
  };
  readonly placement: {
    readonly enabled: boolean;
    readonly messages: number;
    readonly rate: number;
    readonly messageBytes: number;
    readonly stay: number;
    readonly brief: number;
    readonly follow: number;
    readonly refresh: number;
  };
  /** Selectors, as they were written. */
  readonly scope: { readonly include: readonly string[]; readonly exclude: readonly string[] };
  readonly guard: {
    readonly trust: readonly string[];
    readonly allowBlocking: readonly string[];
    readonly preseed: Preseed;
    readonly profiles: string;
    readonly share: boolean;
    readonly window: { readonly time: number; readonly connections: number; readonly bytes: number };
  };
  /** Selectors, and selectors with a weight, as they were written. */
  readonly reuseport: {
    readonly enabled: boolean;
    readonly include: readonly string[];
    readonly exclude: readonly string[];
    readonly policy: ReuseportPolicy;
    readonly udpPolicy: ReuseportPolicy;
    readonly weights: readonly string[];
    readonly graceTime: number;
    readonly stuckAfter: number;
    readonly busyAfter: number;
    readonly generations: 'manual' | 'auto';
    readonly migrateSysctl: 'leave' | 'set';
    readonly interval: number;
    readonly maxListeners: number;
    readonly maxGroups: number;
  };
  readonly metrics: {
    readonly enabled: boolean;
    readonly host: string;
    readonly port: number;
    readonly queueWait: boolean;
    readonly istioNames: boolean;
  };
  readonly web: { readonly enabled: boolean; readonly host: string; readonly port: number; readonly rows: number };
  readonly lifecycle: { readonly onExit: OnExit; readonly retireTimeout: number };
  /** `mode` is the permission bits as chmod takes them. */
  readonly admin: { readonly group: string; readonly mode: number };
  readonly host: { readonly name: string; readonly address: string; readonly zone: string };
  readonly mesh: {
    readonly enabled: boolean;
    readonly except: readonly string[];
    readonly maxServices: number;
    readonly maxEndpoints: number;
  };
  readonly bus: {
    readonly mode: BusMode;
    readonly servers: readonly string[];
    readonly cluster: string;
    readonly credentials: string;
    readonly nkey: string;
    readonly ca: string;
    readonly certificate: string;
    readonly key: string;
    readonly plaintext: boolean;
    readonly reassert: number;
    readonly lease: number;
    readonly withdrawShare: number;
    readonly embeddedPort: number;
    readonly stateDir: string;
  };
  readonly kubernetes: {
    readonly enabled: boolean;
    readonly node: string;
    readonly services: KubernetesServices;
    readonly apiServer: string;
    readonly tokenFile: string;
    readonly caFile: string;
  };
  readonly services: readonly ServiceConfig[];
  readonly tuning: readonly TuningConfig[];
  readonly frontdoor: { readonly threads: number };
  readonly frontdoors: readonly FrontDoorConfig[];
}

type Leaf<T> = {
  [K in keyof T & string]: T[K] extends readonly unknown[] ? K : T[K] extends object ? `${K}.${Leaf<T[K]>}` : K;
}[keyof T & string];

/** The dotted name of a setting, such as `datapath.maxPairs`. */
export type ConfigKey = Leaf<Config>;
/** Lists of maps. */
export type Structured = readonly ServiceConfig[] | readonly TuningConfig[] | readonly FrontDoorConfig[];
export type Value = string | number | boolean | readonly string[] | Structured;
