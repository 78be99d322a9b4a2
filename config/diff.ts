/** What a new configuration changes, and whether a running agent can follow. */
import { keys } from './keys.js';
import { valueOf } from './load.js';
import type { Config, ConfigKey } from './types.js';

export interface ConfigDiff {
  readonly hot: ConfigKey[];
  readonly restart: ConfigKey[];
}

export function diffConfig(before: Config, after: Config): ConfigDiff {
  const changed = keys.filter(({ name, format }) => format.show(valueOf(before, name)) !== format.show(valueOf(after, name)));
  const named = (when: 'hot' | 'restart'): ConfigKey[] =>
    changed.filter(({ appliedOn }) => appliedOn === when).map(({ name }) => name);
  return { hot: named('hot'), restart: named('restart') };
}
