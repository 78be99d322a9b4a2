/** The schema as a flat list: one entry per setting, in the order of the schema. */
import type convict from 'convict';
import { appliedOn } from './hot.js';
import { fits, formats, type Format, type Rule } from './formats.js';
import { schema } from './schema.js';
import type { ConfigKey, Value } from './types.js';

export interface Key {
  readonly name: ConfigKey;
  readonly doc: string;
  readonly env: string;
  readonly flag: string;
  readonly default: Value;
  readonly appliedOn: 'hot' | 'restart';
  readonly formatName: string;
  readonly format: Format;
  readonly rule: Rule;
}

const words = (name: string): string[] => name.split(/\.|(?=[A-Z])/);
const envName = (name: string): string => `SIDESTEP_${words(name).join('_').toUpperCase()}`;
const flagName = (name: string): string => `--${words(name).join('-').toLowerCase()}`;

function describe(name: ConfigKey, node: convict.SchemaObj<Value>): Key {
  const { doc, default: value, format } = node;
  const choices = Array.isArray(format) ? (format as string[]) : undefined;
  const formatName = choices ? 'choice' : (format as string);
  const known = formats[formatName];
  if (doc === undefined || value === null || !known) throw new Error(`The schema of ${name} is not complete.`);
  return {
    name,
    doc,
    env: envName(name),
    flag: flagName(name),
    default: value,
    appliedOn: appliedOn[name],
    formatName,
    format: known,
    rule: choices ? { choices } : (node as Rule),
  };
}

function flatten(node: object, prefix: string): Key[] {
  return Object.entries(node).flatMap(([part, child]: [string, object]) =>
    'default' in child
      ? [describe(`${prefix}${part}` as ConfigKey, child as convict.SchemaObj<Value>)]
      : flatten(child, `${prefix}${part}.`),
  );
}

export const keys: readonly Key[] = flatten(schema, '');
export const keyByName: ReadonlyMap<string, Key> = new Map(keys.map((key) => [key.name, key]));
export const keyByEnv: ReadonlyMap<string, Key> = new Map(keys.map((key) => [key.env, key]));
export const sections: ReadonlySet<string> = new Set(
  keys.flatMap(({ name }) => (name.includes('.') ? [name.slice(0, name.lastIndexOf('.'))] : [])),
);

/** The value that a text stands for, or undefined when the key does not take it. */
export function readValue(key: Key, text: string): Value | undefined {
  const value = key.format.read(text, key.rule);
  return value === undefined || !fits(value, key.rule, key.formatName) ? undefined : value;
}
