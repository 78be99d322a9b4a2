/** Which settings a running agent can change. A new key does not compile until somebody has decided. */
import type { ConfigKey } from './types.js';

/** `hot` is applied on reload; `restart` is only noticed then. */
export const appliedOn: Readonly<Record<ConfigKey, 'hot' | 'restart'>> = {
  'log.level': 'hot',
  'log.format': 'restart',
  runDir: 'restart',
  'cgroup.path': 'restart',
  'bpf.pinPath': 'restart',
  'datapath.mode': 'restart',
  'datapath.enabled': 'hot',
  'datapath.observe': 'hot',
  'datapath.trustListeners': 'restart',
  'datapath.maxPairs': 'restart',
  'datapath.maxHalfOpen': 'restart',
  'datapath.maxListeners': 'restart',
  'datapath.maxEdges': 'restart',
  'datapath.queueBytes': 'hot',
  'datapath.eventBuffer': 'restart',
  'datapath.selfTest': 'restart',
  'scope.include': 'hot',
  'scope.exclude': 'hot',
  'guard.trust': 'hot',
  'guard.allowBlocking': 'hot',
  'metrics.enabled': 'restart',
  'metrics.host': 'restart',
  'metrics.port': 'restart',
  'lifecycle.onExit': 'restart',
  'lifecycle.retireTimeout': 'restart',
  'admin.group': 'restart',
  'admin.mode': 'restart',
};
