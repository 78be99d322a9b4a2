/** What the agent is told. Sizes are bytes and durations are milliseconds by the time anybody reads them here. */
import type { ServiceConfig } from './service-types.js';

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error';
export type LogFormat = 'auto' | 'json' | 'pretty';
export type DatapathMode = 'auto' | 'unified' | 'split' | 'off';
export type OnExit = 'retire' | 'keep';
export type BusMode = 'auto' | 'off' | 'embedded' | 'external';

export interface Config {
  readonly log: { readonly level: LogLevel; readonly format: LogFormat };
  readonly runDir: string;
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
  readonly metrics: { readonly enabled: boolean; readonly host: string; readonly port: number };
  readonly lifecycle: { readonly onExit: OnExit; readonly retireTimeout: number };
  /** `mode` is the permission bits as chmod takes them. */
  readonly admin: { readonly group: string; readonly mode: number };
  readonly host: { readonly name: string; readonly address: string; readonly zone: string };
  readonly mesh: {
    readonly enabled: boolean;
    /** Comma-separated. */
    readonly except: string;
    readonly maxServices: number;
    readonly maxEndpoints: number;
  };
  readonly bus: {
    readonly mode: BusMode;
    /** Comma-separated. */
    readonly servers: string;
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
  readonly services: readonly ServiceConfig[];
}

type Leaf<T> = {
  [K in keyof T & string]: T[K] extends readonly unknown[] ? K : T[K] extends object ? `${K}.${Leaf<T[K]>}` : K;
}[keyof T & string];

/** The dotted name of a setting, such as `datapath.maxPairs`. */
export type ConfigKey = Leaf<Config>;
export type Value = string | number | boolean | readonly ServiceConfig[];
