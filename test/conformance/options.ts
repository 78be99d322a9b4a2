// SPDX-License-Identifier: Apache-2.0
/** What can be said on the command line. */
import { parseArgs } from 'node:util';

export interface Options {
  readonly short: boolean;
  /** Parts of names of suites; empty for all. */
  readonly only: readonly string[];
  readonly list: boolean;
  readonly out: string | undefined;
}

export const usage = `usage: npm run conformance -- [options]

  Runs programs that nobody here wrote on plain TCP and again accelerated, and compares what they do, check by check.

  --short           less of each, for every change; the default is for every release
  --only <text>     suites with this in their name; more than one with commas
  --list            the suites, and no run
  --out <file>      everything that was found, as one JSON object
  -h, --help        this text

  Exit codes: 0 nothing differs and every floor holds, 1 not so, 2 bad usage.
`;

export class UsageError extends Error {}

/** Undefined when the reader wants the usage. */
export function readOptions(argv: readonly string[], suites: readonly string[]): Options | undefined {
  let values: { short?: boolean; only?: string; list?: boolean; out?: string; help?: boolean };
  try {
    ({ values } = parseArgs({
      args: [...argv],
      options: {
        short: { type: 'boolean' }, only: { type: 'string' }, list: { type: 'boolean' }, out: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    }));
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
  if (values.help) return undefined;
  const only = values.only?.split(',').map((text) => text.trim()).filter((text) => text !== '') ?? [];
  const unknown = only.find((text) => !suites.some((name) => name.includes(text)));
  if (unknown !== undefined) throw new UsageError(`no suite has "${unknown}" in its name; there are: ${suites.join(', ')}`);
  return { short: values.short ?? false, only, list: values.list ?? false, out: values.out };
}
