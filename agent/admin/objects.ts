/** What the admin API says, version 1. The CLI prints these very objects with `-o json`. Add; never change meaning. */
import type { Counters, DatapathInfo, Edge, MapInfo, RetireProgress, RetireResult } from '../datapath/types.js';
import type { Totals } from '../datapath/traffic.js';
import type { BusView, EndpointView, ServiceView } from '../mesh/view.js';
import type { Explanation } from '../pairs/explain.js';
import type { ProfileView } from '../pairs/profiles.js';
import type { PairView } from '../pairs/resolve.js';

export const API_VERSION = 1;

export interface Versioned {
  apiVersion: typeof API_VERSION;
}

export interface MetricsState {
  state: 'serving' | 'disabled' | 'failed';
  /** Where, or why not. */
  detail: string;
}

export interface ReloadState {
  successful: boolean;
  /** Seconds since the epoch of the last configuration that loaded. */
  at: number;
  /** Why the last one did not load. */
  error: string;
  /** Keys that changed and wait for a restart. */
  restartNeeded: string[];
}

export interface Status extends Versioned {
  agent: { version: string; pid: number; startedAt: string };
  ready: boolean;
  /** Why not ready; '' when it is. */
  notReady: string;
  datapath: DatapathInfo;
  totals: Totals;
  metrics: MetricsState;
  bus: BusView;
  reload: ReloadState;
  /** What a person should look at, in words. */
  problems: string[];
}

export interface Pairs extends Versioned {
  pairs: PairView[];
}

export interface Edges extends Versioned {
  edges: Edge[];
}

export interface Profiles extends Versioned {
  /** Unsafe ones first, then those seen most recently. */
  profiles: ProfileView[];
}

export interface Services extends Versioned {
  services: ServiceView[];
}

export interface Endpoints extends Versioned {
  endpoints: EndpointView[];
}

export interface CountersObject extends Versioned {
  counters: Counters;
  maps: MapInfo[];
}

export interface Explained extends Versioned {
  query: string;
  answers: Explanation[];
}

export interface ConfigObject extends Versioned {
  settings: readonly { key: string; value: string; origin: string }[];
}

export interface Reloaded extends Versioned {
  reload: ReloadState;
}

export interface LevelObject extends Versioned {
  level: string;
}

/** One line of the answer to POST /v1/retire; the last one has the result. */
export type RetireLine = Versioned & ({ progress: RetireProgress } | { result: RetireResult } | ErrorBody);

export interface ErrorBody {
  error: { code: string; message: string; remedy: string };
}

/** What `sidestep top` needs for one frame. */
export interface Frame {
  status: Pick<Status, 'datapath' | 'totals'>;
  pairs: PairView[];
  /** Milliseconds of a steady clock. */
  at: number;
}
