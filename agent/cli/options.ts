/** Values of flags, read and refused in one way. */
import { InvalidArgumentError, Option } from 'commander';
import { keys } from '../../config/keys.js';
import { readDuration } from '../../config/units.js';
import type { Settings } from './context.js';

/** A duration such as 500ms, 5s, 1m. */
export function duration(text: string): number {
  const ms = readDuration(text);
  if (ms === undefined || ms > 600_000) throw new InvalidArgumentError('Give a duration such as 500ms, 5s or 1m.');
  return ms;
}

export function wholeNumber(text: string): number {
  if (!/^\d{1,7}$/.test(text)) throw new InvalidArgumentError('Give a whole number.');
  return Number(text);
}

export function portNumber(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > 65535) throw new InvalidArgumentError('Give a port, from 1 to 65535.');
  return port;
}

/** `--set key=value`, as often as one likes. Whether the key exists is for the configuration to say. */
export function setting(text: string, before: Settings = {}): Settings {
  const [, key, value] = /^([A-Za-z.]+)=(.*)$/s.exec(text) ?? [];
  if (key === undefined || value === undefined) throw new InvalidArgumentError('Write it as key=value.');
  return { ...before, [key]: value };
}

// --run-dir is global: every command needs it.
const flagged = keys.filter(({ name }) => name !== 'runDir');

export const setOption = (): Option =>
  new Option('--set <key=value>', 'override a setting; may be repeated').argParser(setting).default({}, 'none');

export const outputOption = (): Option => new Option('-o, --output <format>', 'for machines').choices(['json']);

/** Every setting has a flag of its own too, under the name that messages about it use. */
export const settingOptions = (): Option[] =>
  flagged.map(({ flag, doc }) => new Option(`${flag} <value>`, doc).helpGroup('Settings:'));

/** The settings among the values that were parsed. */
export function settingsIn(values: Readonly<Record<string, unknown>>): Settings {
  const given = flagged.map(({ name, flag }) => [name, values[new Option(flag).attributeName()]] as const);
  return Object.fromEntries(given.filter((entry): entry is [typeof entry[0], string] => typeof entry[1] === 'string'));
}
