/** The settings in SIDESTEP_* variables. */
import { keyByEnv } from './keys.js';
import { nearestEnv } from './nearest.js';
import { emptySource, take, type Source } from './source.js';

/**
 * Kubernetes puts variables into every pod for every Service of its namespace. A Service named sidestep, or
 * sidestep-metrics, makes some that look like ours: SIDESTEP_METRICS_PORT=tcp://10.0.0.7:9464.
 */
function isServiceLink(name: string, value: string): boolean {
  return /_SERVICE_(HOST|PORT)(_|$)|_PORT_\d+_(TCP|UDP|SCTP)(_|$)/.test(name) || /^(tcp|udp|sctp):\/\//.test(value);
}

/** An empty variable is no setting: templates of units and charts leave those behind. */
export function readEnvironment(env: NodeJS.ProcessEnv): Source {
  const source = emptySource();
  for (const [name, value] of Object.entries(env)) {
    if (!name.startsWith('SIDESTEP_') || value === undefined || value === '' || isServiceLink(name, value)) continue;
    const key = keyByEnv.get(name);
    if (key) {
      take(source, key, value, `env ${name}`);
      continue;
    }
    const nearest = nearestEnv(name);
    source.problems.push({
      where: `env ${name}`,
      key: '',
      message: 'there is no such setting.',
      hint: nearest === undefined ? 'Unset it.' : `Did you mean ${nearest}? Rename it or unset it.`,
    });
  }
  return source;
}
