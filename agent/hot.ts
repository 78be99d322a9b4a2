/** Settings that a running agent follows. */
import type { Config, ConfigKey } from '../config/load.js';
import type { Datapath } from './datapath/types.js';
import type { Log } from './log.js';
import type { Scope } from './scope/scope.js';

export interface HotTargets {
  readonly datapath: Datapath;
  readonly scope: Scope;
  readonly log: Log;
}

type Apply = (config: Config, targets: HotTargets) => void;

const rescope: Apply = (config, { scope }) => { scope.configure(config); };

const appliers: Partial<Record<ConfigKey, Apply>> = {
  'log.level': ({ log: { level } }, { log }) => { log.level = level; },
  'datapath.enabled': rescope,
  'datapath.observe': ({ datapath: { observe } }, { datapath }) => { datapath.setObserve(observe); },
  'datapath.queueBytes': ({ datapath: { queueBytes } }, { datapath }) => { datapath.setQueueBytes(queueBytes); },
  'scope.include': rescope,
  'scope.exclude': rescope,
  'guard.trust': rescope,
  'guard.allowBlocking': rescope,
};

/** Taken all at once by agent/reuseport, which follows the configuration itself. */
const followed: readonly ConfigKey[] = [
  'reuseport.enabled', 'reuseport.ports', 'reuseport.workloads', 'reuseport.excludePorts', 'reuseport.excludeWorkloads',
  'reuseport.policy', 'reuseport.udpPolicy', 'reuseport.weights', 'reuseport.graceTime', 'reuseport.stuckAfter',
  'reuseport.generations', 'reuseport.migrateSysctl', 'reuseport.interval',
];

export const HOT_KEYS = [...(Object.keys(appliers) as ConfigKey[]), ...followed];

/** Keys that share an applier have it called once. */
export function applyHot(changed: readonly ConfigKey[], config: Config, targets: HotTargets): void {
  for (const apply of new Set(changed.map((key) => appliers[key]))) apply?.(config, targets);
}
