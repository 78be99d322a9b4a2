/** What can be said on the command line. */
import { parseArgs } from 'node:util';

export interface Options {
  /** Blocks of four rounds: plain, accelerated, accelerated, plain. */
  readonly blocks: number;
  /** What a plain round of redis-benchmark should take, seconds. */
  readonly roundSeconds: number;
  /** Round trips in one run of the driver, and blocks of them. */
  readonly roundTrips: number;
  readonly roundTripBlocks: number;
  readonly json: boolean;
}

export const usage = `usage: npm run demo -- [options]

  Shows Sidestep on real traffic: redis-server and redis-benchmark, plain and accelerated in turn.

  --rounds <n>     blocks of four rounds (plain, accelerated, accelerated, plain), 1 to 50; default 3
  --quick          one block of short rounds
  -o json          one JSON object with every figure and every command
  -h, --help       this text

  Exit codes: 0 shown and proven, 1 not so, 2 bad usage.
`;

export class UsageError extends Error {}

function blocksOf(text: string): number {
  const blocks = /^\d{1,2}$/.test(text) ? Number(text) : 0;
  if (blocks < 1 || blocks > 50) throw new UsageError(`--rounds takes a whole number from 1 to 50, not ${text}`);
  return blocks;
}

function parse(argv: readonly string[]): { rounds?: string; quick?: boolean; output?: string; help?: boolean } {
  try {
    return parseArgs({
      args: [...argv],
      options: {
        rounds: { type: 'string' },
        quick: { type: 'boolean' },
        output: { type: 'string', short: 'o' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/** Undefined when the reader wants the usage. */
export function readOptions(argv: readonly string[]): Options | undefined {
  const { rounds, quick = false, output, help = false } = parse(argv);
  if (help) return undefined;
  if (output !== undefined && output !== 'json') throw new UsageError(`-o takes json, not ${output}`);
  return {
    blocks: rounds === undefined ? (quick ? 1 : 3) : blocksOf(rounds),
    roundSeconds: quick ? 0.6 : 2.5,
    roundTrips: quick ? 10_000 : 20_000,
    roundTripBlocks: quick ? 1 : 2,
    json: output === 'json',
  };
}
