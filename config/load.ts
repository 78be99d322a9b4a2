/** From defaults, file, environment and flags to one frozen configuration, or to everything that is wrong with them. */
import convict from 'convict';
import { readFileSync } from 'node:fs';
import { readDocument } from './document.js';
import { readEnvironment } from './environment.js';
import { ConfigError } from './errors.js';
import { keys } from './keys.js';
import { isStructured } from './structured.js';
import { schema } from './schema.js';
import { emptySource, readFlags, type Flags, type Setting, type Source } from './source.js';
import type { Config, ConfigKey, Value } from './types.js';

export { ConfigError, type Problem } from './errors.js';
export type { Config, ConfigKey } from './types.js';

export const defaultFile = '/etc/sidestep/config.yaml';

export interface LoadOptions {
  /** A file named here must exist; the default file need not. */
  readonly file?: string | undefined;
  readonly env: NodeJS.ProcessEnv;
  readonly flags: Flags;
}

export interface KeyOrigin {
  readonly key: ConfigKey;
  /** As one would write it in the file. */
  readonly value: string;
  /** `default`, `file:line`, `env NAME` or `flag --x`. */
  readonly origin: string;
  /** Of a list: each entry, and where it came from. */
  readonly entries?: readonly { readonly value: string; readonly origin: string }[];
}

const origins = new WeakMap<Config, readonly KeyOrigin[]>();

function readFile(named: string | undefined): Source {
  const file = named ?? defaultFile;
  try {
    return readDocument(readFileSync(file, 'utf8'), file);
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    if (named === undefined && (code === 'ENOENT' || code === 'ENOTDIR')) return emptySource();
    const message = `the file cannot be read (${code}).`;
    const hint = code === 'ENOENT' ? 'Create it, or name another.' : 'It must be a file that the agent may read.';
    return { settings: [], problems: [{ where: file, key: '', message, hint }] };
  }
}

/** Convict owns the defaults and has the last word: strict, on values that were read already. */
function assemble(settings: ReadonlyMap<ConfigKey, Setting>): Config {
  const instance = convict(schema, { env: {}, args: [] });
  for (const [name, { value }] of settings) if (!isStructured(name)) instance.set<string>(name, value);
  instance.validate({ allowed: 'strict' });
  // Convict hands out copies; these lists are known by what they are (structured.ts).
  const listed = Object.fromEntries([...settings].flatMap(([name, { value }]) => (isStructured(name) ? [[name, value]] : [])));
  return freeze({ ...instance.getProperties(), ...listed });
}

function freeze<T extends object>(value: T): T {
  for (const child of Object.values(value)) if (typeof child === 'object' && child !== null) freeze(child as object);
  return Object.freeze(value);
}

/** Of single values: each has an origin of its own. */
const isList = (value: Value): value is readonly string[] => Array.isArray(value) && value.every((entry) => typeof entry === 'string');

export function loadConfig({ file, env, flags }: LoadOptions): Config {
  const sources = [readFile(file), readEnvironment(env), readFlags(flags)];
  const problems = sources.flatMap((source) => source.problems);
  if (problems.length > 0) throw new ConfigError(problems);

  const settings = new Map<ConfigKey, Setting>();
  for (const setting of sources.flatMap((source) => source.settings)) settings.set(setting.key.name, setting);
  const config = assemble(settings);
  origins.set(
    config,
    keys.map(({ name, format }) => {
      const origin = settings.get(name)?.origin ?? 'default';
      const value = valueOf(config, name);
      return { key: name, value: format.show(value), origin, ...(isList(value) && { entries: entriesOf(value, settings.get(name)) }) };
    }),
  );
  return config;
}

function entriesOf(values: readonly string[], setting: Setting | undefined): { value: string; origin: string }[] {
  return values.map((value, index) => ({ value, origin: setting?.entryOrigins?.[index] ?? setting?.origin ?? 'default' }));
}

/** Where each value of a loaded configuration came from. */
export function configOrigin(config: Config): readonly KeyOrigin[] {
  const known = origins.get(config);
  if (!known) throw new Error('Only a configuration made by loadConfig knows where its values came from.');
  return known;
}

export function valueOf(config: Config, name: ConfigKey): Value {
  return name.split('.').reduce<unknown>((node, part) => (node as Record<string, unknown>)[part], config) as Value;
}
