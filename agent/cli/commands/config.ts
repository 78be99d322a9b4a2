import { stringify } from 'yaml';
import { appliedOn } from '../../../config/hot.js';
import { jsonSchema } from '../../../config/jsonschema.js';
import { configOrigin, type Config } from '../../../config/load.js';
import { API_VERSION } from '../../admin/objects.js';
import { Context, type ReadFlags, type Run, type Settings } from '../context.js';
import { report } from '../fault.js';
import { EXIT, paintOf, printJson, printLines, widthOf } from '../io.js';
import { table } from '../render/table.js';

export interface PrintFlags {
  readonly output: 'json' | 'yaml';
  readonly origin?: boolean;
  readonly set: Settings;
}

/** As one would write it in the file: 256KiB, "0660". */
function nested(config: Config): Record<string, unknown> {
  const tree: Record<string, unknown> = {};
  for (const { key, value } of configOrigin(config)) {
    const parts = key.split('.');
    const leaf = parts.pop() ?? key;
    let node = tree;
    for (const part of parts) node = (node[part] ??= {}) as Record<string, unknown>;
    node[leaf] = /^(true|false|0|[1-9]\d*|\[.*\])$/s.test(value) ? (JSON.parse(value) as unknown) : value;
  }
  return tree;
}

export const printConfig = (flags: PrintFlags): Run => (context) => {
  const config = context.load(flags.set);
  const settings = configOrigin(config);
  if (flags.output === 'json') {
    printJson(context.io, { apiVersion: API_VERSION, config: nested(config), ...(flags.origin ? { settings } : {}) });
  } else if (flags.origin) {
    const columns = [{ title: 'KEY' }, { title: 'VALUE', min: 8 }, { title: 'ORIGIN', min: 8 }];
    const rows = settings.map(({ key, value, origin }) => [key, value, origin]);
    printLines(context.io, table(columns, rows, widthOf(context.io), paintOf(context.io)));
  } else {
    context.io.stdout.write(stringify(nested(config)));
  }
  return EXIT.good;
};

/** A configuration with problems is what this command is for to find: 1, not 2. */
export const validateConfig = (file: string | undefined): Run => ({ io, flags }) => {
  const context = new Context(io, file === undefined ? flags : { ...flags, config: file });
  try {
    context.load();
  } catch (error) {
    report(io, error);
    return EXIT.problem;
  }
  printLines(io, ['the configuration is good']);
  return EXIT.good;
};

/** Against the settings in force. 1 when they differ, so that a script can ask. */
export const diffWithAgent = (file: string | undefined, flags: ReadFlags): Run => async ({ io, flags: global }) => {
  const context = new Context(io, file === undefined ? global : { ...global, config: file });
  const wanted = configOrigin(context.load());
  const inForce = new Map((await context.client().config()).settings.map(({ key, value }) => [key, value]));
  const changes = wanted.filter(({ key, value }) => inForce.get(key) !== value)
    .map(({ key, value, origin }) => ({ key, before: inForce.get(key) ?? '', after: value, origin, applied: appliedOn[key] === 'hot' ? 'reload' : 'restart' }));
  if (flags.output === 'json') printJson(io, { apiVersion: API_VERSION, changes });
  else if (changes.length === 0) printLines(io, ['the agent runs with this configuration']);
  else {
    const columns = [{ title: 'KEY' }, { title: 'IN FORCE', min: 8 }, { title: 'WOULD BE', min: 8 }, { title: 'APPLIED ON' }, { title: 'ORIGIN', min: 8 }];
    const rows = changes.map(({ key, before, after, applied, origin }) => [key, before, after, applied, origin]);
    printLines(io, table(columns, rows, widthOf(io), paintOf(io)));
  }
  return changes.length === 0 ? EXIT.good : EXIT.problem;
};

export const printSchema: Run = ({ io }) => {
  printJson(io, jsonSchema());
  return EXIT.good;
};
