import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError, loadConfig, type Config, type Problem } from '../../../config/load.js';
import type { Flags } from '../../../config/source.js';

/** A directory that is gone after each test of the block that it was asked for in. */
export function scratch(): (name: string) => string {
  let directory: string;
  beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'sidestep-config-'))));
  afterEach(() => rmSync(directory, { recursive: true }));
  return (name) => join(directory, name);
}

export interface Given {
  readonly yaml?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly flags?: Flags;
}

export function loader(path: (name: string) => string): {
  load: (given: Given) => Config;
  problems: (given: Given) => readonly Problem[];
} {
  const load = ({ yaml = '', env = {}, flags = {} }: Given): Config => {
    const file = path('c.yaml');
    writeFileSync(file, yaml);
    return loadConfig({ file, env, flags });
  };
  const problems = (given: Given): readonly Problem[] => {
    try {
      load(given);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      return error.problems.map((problem) => ({ ...problem, where: problem.where.replace(path('c.yaml'), 'c.yaml') }));
    }
    return [];
  };
  return { load, problems };
}

/** What is wrong with a file of this text: where in it, key and message. `load` reads it. */
export function problemsOf(load: (text: string) => Config, text: string): string[] {
  try {
    load(text);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(({ where, key, message }) => `${where.replace(/^.*\.yaml:/, '')} ${key} ${message}`);
    throw error;
  }
  return [];
}
