/** Settings that a running agent follows. */
import type { Config, ConfigKey } from '../config/load.js';
import type { Datapath } from './datapath/types.js';
import type { Log } from './log.js';

type Apply = (config: Config, datapath: Datapath, log: Log) => void;

const appliers: Partial<Record<ConfigKey, Apply>> = {
  'log.level': ({ log: { level } }, _, log) => { log.level = level; },
  'datapath.enabled': ({ datapath: { enabled } }, datapath) => { datapath.setEnabled(enabled); },
  'datapath.observe': ({ datapath: { observe } }, datapath) => { datapath.setObserve(observe); },
  'datapath.queueBytes': ({ datapath: { queueBytes } }, datapath) => { datapath.setQueueBytes(queueBytes); },
};

export const HOT_KEYS = Object.keys(appliers) as ConfigKey[];

export function applyHot(changed: readonly ConfigKey[], config: Config, datapath: Datapath, log: Log): void {
  for (const key of changed) appliers[key]?.(config, datapath, log);
}
