/** Settings that a running agent follows. */
import type { Config, ConfigKey } from '../config/load.js';
import type { Datapath } from './datapath/types.js';
import { tellsAll, type Log } from './log.js';
import type { Reuseport } from './reuseport/reuseport.js';
import type { Scope } from './scope/scope.js';

/** What follows the services of the configuration. */
export interface Follower {
  configure(config: Config): void;
}

export interface HotTargets {
  readonly datapath: Datapath;
  readonly scope: Scope;
  readonly reuseport: Pick<Reuseport, 'configure'>;
  readonly mesh: Follower;
  readonly frontdoor: Follower;
  readonly log: Log;
}

type Apply = (config: Config, targets: HotTargets) => void;

const rebalance: Apply = (config, { reuseport }) => { reuseport.configure(config); };
const rescope: Apply = (config, { scope }) => { scope.configure(config); };

const reserve: Apply = (config, { mesh }) => { mesh.configure(config); };

const reopen: Apply = (config, { frontdoor }) => { frontdoor.configure(config); };

const window: Apply = ({ guard }, { datapath }) => { datapath.setWindow(guard.window); };

const place: Apply = ({ placement }, { datapath }) => { datapath.setPlacement(placement); };

const appliers: Partial<Record<ConfigKey, Apply>> = {
  'log.level': ({ log: { level } }, { log, datapath }) => {
    log.level = level;
    datapath.setTellAll(tellsAll(level));
  },
  'datapath.enabled': rescope,
  'datapath.observe': ({ datapath: { observe } }, { datapath }) => { datapath.setObserve(observe); },
  'datapath.queueBytes': ({ datapath: { queueBytes } }, { datapath }) => { datapath.setQueueBytes(queueBytes); },
  'placement.enabled': place,
  'placement.messages': place,
  'placement.rate': place,
  'placement.messageBytes': place,
  'placement.stay': place,
  'placement.brief': place,
  'placement.follow': place,
  'placement.refresh': place,
  'scope.include': rescope,
  'scope.exclude': rescope,
  'guard.trust': rescope,
  'guard.allowBlocking': rescope,
  'guard.window.time': window,
  'guard.window.connections': window,
  'guard.window.bytes': window,
  'mesh.enabled': reserve,
  'mesh.except': reserve,
  services: reserve,
  tuning: reserve,
  frontdoors: reopen,
  'reuseport.enabled': rebalance,
  'reuseport.include': rebalance,
  'reuseport.exclude': rebalance,
  'reuseport.policy': rebalance,
  'reuseport.udpPolicy': rebalance,
  'reuseport.weights': rebalance,
  'reuseport.graceTime': rebalance,
  'reuseport.stuckAfter': rebalance,
  'reuseport.busyAfter': rebalance,
  'reuseport.generations': rebalance,
  'reuseport.migrateSysctl': rebalance,
  'reuseport.interval': rebalance,
};

export const HOT_KEYS = Object.keys(appliers) as ConfigKey[];

/** Keys that share an applier have it called once. */
export function applyHot(changed: readonly ConfigKey[], config: Config, targets: HotTargets): void {
  for (const apply of new Set(changed.map((key) => appliers[key]))) apply?.(config, targets);
}
