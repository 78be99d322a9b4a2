// SPDX-License-Identifier: Apache-2.0
/** What can be said on the command line. */
import { parseArgs } from 'node:util';

export interface Options {
  readonly quick: boolean;
  readonly only: RegExp | undefined;
  readonly list: boolean;
  readonly out: string;
  readonly resume: boolean;
  readonly compare: string | undefined;
  readonly read: string | undefined;
  readonly markdown: boolean;
  readonly svg: string | undefined;
  readonly blocks: number | undefined;
  readonly sampleMs: number | undefined;
}

export const usage = `usage: npm run bench -- [options]

  Measures Sidestep against plain TCP, in turn, on this machine. Needs root; takes the turn of the host's kernel tests.

  --quick          the rows that matter most, in short: about five minutes
  --only <regex>   rows whose name matches
  --list           names of the rows, and what each is
  --out <file>     where the run is written, after each row; default bench.json
  --resume         go on with the run in --out: rows that it has are not measured again
  --compare <file> say what is slower or faster than in that run, beyond both intervals; exit code 1 if anything is slower
  --read <file>    measure nothing: show that run, and compare it if asked
  --markdown       print the table as docs/benchmarks.md has it
  --svg <file>     draw the run
  --blocks <n>     blocks of four samples for each row, 2 to 100
  --ms <n>         length of a sample in milliseconds, 50 to 10000
  -h, --help       this text

  Exit codes: 0 measured, 1 not so, or slower than what it was compared with, 2 bad usage.
`;

export class UsageError extends Error {}

function whole(name: string, text: string | undefined, least: number, most: number): number | undefined {
  if (text === undefined) return undefined;
  const value = /^\d{1,6}$/.test(text) ? Number(text) : NaN;
  if (!(value >= least && value <= most)) throw new UsageError(`${name} takes a whole number from ${least} to ${most}, not ${text}`);
  return value;
}

function regex(text: string | undefined): RegExp | undefined {
  try {
    return text === undefined ? undefined : new RegExp(text);
  } catch (error) {
    throw new UsageError(`--only: ${(error as Error).message}`);
  }
}

const flags = {
  quick: { type: 'boolean' }, only: { type: 'string' }, list: { type: 'boolean' }, out: { type: 'string' }, resume: { type: 'boolean' },
  compare: { type: 'string' }, read: { type: 'string' }, markdown: { type: 'boolean' }, svg: { type: 'string' }, blocks: { type: 'string' }, ms: { type: 'string' }, help: { type: 'boolean', short: 'h' },
} as const;

function parse(argv: readonly string[]): ReturnType<typeof parseArgs<{ options: typeof flags }>>['values'] {
  try {
    return parseArgs({ args: [...argv], options: flags }).values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/** Undefined when the reader wants the usage. */
export function readOptions(argv: readonly string[]): Options | undefined {
  const { quick = false, only, list = false, out = 'bench.json', resume = false, compare, read, markdown = false, svg, blocks, ms, help = false } = parse(argv);
  if (help) return undefined;
  return {
    quick, only: regex(only), list, out, resume, compare, read, markdown, svg,
    blocks: whole('--blocks', blocks, 2, 100), sampleMs: whole('--ms', ms, 50, 10_000),
  };
}
