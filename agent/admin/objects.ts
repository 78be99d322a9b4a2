/** What the admin API says, version 1. The CLI prints these very objects with `-o json`. Add; never change meaning. */
import type { Counters, DatapathInfo, Edge, MapInfo, RetireProgress, RetireResult } from '../datapath/types.js';
import type { Totals } from '../datapath/traffic.js';
import type { KubernetesView, PodView } from '../kubernetes/kubernetes.js';
import type { TunedView } from '../mesh/tuned.js';
import type { BusView, EndpointView, ServiceView } from '../mesh/view.js';
import type { DoorIdentity } from '../frontdoor/types.js';
import type { DoorView, FrontDoorView } from '../frontdoor/view.js';
import type { Explanation } from '../pairs/explain.js';
import type { Imported, Named } from '../guard/manage.js';
import type { ProfilesFile } from '../guard/file.js';
import type { ProfileRow } from '../guard/view.js';
import type { PairView } from '../pairs/resolve.js';
import type { RuleView } from '../scope/scope.js';
import type { Switches } from '../scope/switches.js';
import type { GroupView, ReuseportView } from '../reuseport/view.js';

export const API_VERSION = 1;

export interface Versioned {
  apiVersion: typeof API_VERSION;
}

export interface MetricsState {
  state: 'serving' | 'disabled' | 'failed';
  /** Where, or why not. */
  detail: string;
}

export interface WebState extends MetricsState {
  /** Other hosts can see it. */
  exposed: boolean;
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
  web: WebState;
  bus: BusView;
  /** Null: nobody asks Kubernetes. */
  kubernetes: KubernetesView | null;
  /** The process of the front door; null without one. */
  frontdoor: DoorIdentity | null;
  reload: ReloadState;
  /** What a person should look at, in words. */
  problems: string[];
}

export interface Pairs extends Versioned {
  pairs: PairView[];
}

export interface ReuseportObject extends Versioned, ReuseportView {}

export interface FrontDoorObject extends Versioned, FrontDoorView {}

export interface Rotated extends Versioned {
  rotated: { protocol: 'tcp' | 'udp'; address: string; port: number; netns: number; draining: number }[];
}

export interface Edges extends Versioned {
  edges: Edge[];
}

export interface Profiles extends Versioned {
  /** Workloads, unsafe ones first, then those seen most recently; after them what is only remembered. */
  profiles: ProfileRow[];
}

export interface ExportedProfiles extends Versioned {
  /** To be written as it is; `sidestep profiles import` reads it. */
  file: ProfilesFile;
}

export interface ImportedProfiles extends Versioned {
  imported: Imported;
}

export interface ChangedProfiles extends Versioned {
  profiles: Named[];
}

export interface ScopeObject extends Versioned {
  /** What was switched off by hand. */
  switches: Switches;
  /** In the order in which they are asked; `pairs`: for how many each decided. */
  rules: (RuleView & { pairs: number })[];
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

export interface PodsObject extends Versioned {
  /** Whether Kubernetes is read at all. */
  reads: boolean;
  pods: PodView[];
}

export interface Explained extends Versioned {
  query: string;
  answers: Explanation[];
  /** Groups of listeners on this port, or of this process. */
  groups: GroupView[];
  /** Connections that a rule of `tuning` fitted. */
  tuned: TunedView[];
  /** Listeners of the front door on this port, or with a backend on it. */
  doors: DoorView[];
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

/** The agent retires what is left, takes everything out of the kernel, and ends, whatever lifecycle.onExit says. */
export interface Uninstalling extends Versioned {
  uninstalling: true;
}

/** One line of the answer to POST /v1/retire; the last one has the result. */
export type RetireLine = Versioned & ({ progress: RetireProgress } | { result: RetireResult } | ErrorBody);

export interface ErrorBody {
  error: { code: string; message: string; remedy: string };
}

/** What `sidestep top` needs for one frame. */
export interface Frame {
  status: Pick<Status, 'datapath' | 'totals'>;
  /** All, or the busiest: of the rest `status.totals` tells how many there are. */
  pairs: PairView[];
  /** Milliseconds of a steady clock. */
  at: number;
}
