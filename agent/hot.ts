/** Settings that a running agent follows. */
import type { Config, ConfigKey } from '../config/load.js';
import type { Datapath } from './datapath/types.js';
import type { Log } from './log.js';

/** What follows the services of the configuration. */
export interface Follower {
  configure(config: Config): void;
}

type Apply = (config: Config, datapath: Datapath, log: Log, mesh: Follower) => void;

const services: Apply = (config, _datapath, _log, mesh) => { mesh.configure(config); };

const appliers: Partial<Record<ConfigKey, Apply>> = {
  'log.level': ({ log: { level } }, _, log) => { log.level = level; },
  'datapath.enabled': ({ datapath: { enabled } }, datapath) => { datapath.setEnabled(enabled); },
  'datapath.observe': ({ datapath: { observe } }, datapath) => { datapath.setObserve(observe); },
  'datapath.queueBytes': ({ datapath: { queueBytes } }, datapath) => { datapath.setQueueBytes(queueBytes); },
  'mesh.enabled': services,
  'mesh.except': services,
  services,
};

export const HOT_KEYS = Object.keys(appliers) as ConfigKey[];

export function applyHot(changed: readonly ConfigKey[], config: Config, datapath: Datapath, log: Log, mesh: Follower): void {
  // Several keys may have one applier: once is enough.
  for (const apply of new Set(changed.map((key) => appliers[key]))) apply?.(config, datapath, log, mesh);
}
