/** What one source (the file, the environment, the flags) says, before anybody believes it. */
import type { Problem } from './errors.js';
import { keyByName, readValue, type Key } from './keys.js';
import { nearestKey } from './nearest.js';
import type { Value } from './types.js';

export interface Setting {
  readonly key: Key;
  readonly value: Value;
  /** `file:line`, `env NAME` or `flag --x`. */
  readonly origin: string;
}

export interface Source {
  readonly settings: Setting[];
  readonly problems: Problem[];
}

export const emptySource = (): Source => ({ settings: [], problems: [] });

/** Takes one setting into the source, as a value or as a problem. */
export function take(source: Source, key: Key, text: string, where: string, origin = where): void {
  const value = readValue(key, text);
  if (value !== undefined) {
    source.settings.push({ key, value, origin });
    return;
  }
  source.problems.push({
    where,
    key: key.name,
    message: `given ${JSON.stringify(text)}, expected ${key.format.expected(key.rule)}.`,
    hint: `Correct it, or leave it out for the default, ${JSON.stringify(key.format.show(key.default))}.`,
  });
}

export function unknownKey(name: string, where: string): Problem {
  const nearest = nearestKey(name);
  return {
    where,
    key: name,
    message: 'there is no such key.',
    hint:
      nearest === undefined
        ? 'Remove it; docs/configuration.md lists all keys.'
        : `Did you mean ${nearest}? Rename it or remove it; docs/configuration.md lists all keys.`,
  };
}

export type Flags = Readonly<Record<string, Value | undefined>>;

/** Flags come from the command line parser under the dotted name of the key. */
export function readFlags(flags: Flags): Source {
  const source = emptySource();
  for (const [name, value] of Object.entries(flags)) {
    if (value === undefined) continue;
    const key = keyByName.get(name);
    if (key) take(source, key, typeof value === 'object' ? JSON.stringify(value) : String(value), `flag ${key.flag}`);
    else source.problems.push(unknownKey(name, `flag --${name}`));
  }
  return source;
}
