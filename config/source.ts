/** What one source (the file, the environment, the flags) says, before anybody believes it. */
import type { Problem } from './errors.js';
import { entriesOf, fits } from './formats.js';
import { keyByName, readValue, type Key } from './keys.js';
import { nearestKey } from './nearest.js';
import type { Value } from './types.js';

export interface Setting {
  readonly key: Key;
  readonly value: Value;
  /** `file:line`, `env NAME` or `flag --x`. */
  readonly origin: string;
  /** The same for each entry of a list that has a place of its own. */
  readonly entryOrigins?: readonly string[];
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
  const wrong = key.format.complaint && entriesOf(text).find((entry) => key.format.complaint?.(entry) !== '');
  if (wrong !== undefined) {
    source.problems.push(badEntry(key, wrong, where));
    return;
  }
  source.problems.push({
    where,
    key: key.name,
    message: `given ${JSON.stringify(text)}, expected ${key.format.expected(key.rule)}.`,
    hint: `Correct it, or leave it out for the default, ${JSON.stringify(key.format.show(key.default))}.`,
  });
}

function badEntry(key: Key, entry: string, where: string): Problem {
  const message = `${JSON.stringify(entry)} is no entry of this list: ${key.format.complaint?.(entry) ?? ''}.`;
  return { where, key: key.name, message, hint: `Expected ${key.format.expected(key.rule)}. Correct it or remove it.` };
}

export interface Entry {
  /** Undefined when it is not a single value. */
  readonly text: string | undefined;
  readonly where: string;
  readonly origin: string;
}

/** Takes a list of which each entry has a place of its own. */
export function takeList(source: Source, key: Key, entries: readonly Entry[], where: string, origin: string): void {
  const bad = entries.filter(({ text }) => text === undefined || key.format.complaint?.(text) !== '');
  source.problems.push(...bad.map((entry) => badEntry(key, entry.text ?? 'a list or map', entry.where)));
  if (bad.length > 0) return;
  const value = entries.flatMap(({ text }) => (text === undefined ? [] : [text]));
  if (fits(value, key.rule, key.formatName)) {
    source.settings.push({ key, value, origin, entryOrigins: entries.map((entry) => entry.origin) });
    return;
  }
  const message = `given ${String(value.length)} entries, expected ${key.format.expected(key.rule)}.`;
  source.problems.push({ where, key: key.name, message, hint: 'Join entries, for example ports into a range.' });
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
