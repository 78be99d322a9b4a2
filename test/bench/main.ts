// SPDX-License-Identifier: Apache-2.0
/** npm run bench: measures, row after row, and tells what came out. See options.ts for what can be asked. */
import { existsSync, writeFileSync } from 'node:fs';
import { setPriority } from 'node:os';
import { paintFor } from '../../agent/cli/render/paint.js';
import { median } from '../../demo/statistics.js';
import { Progress } from '../../demo/progress.js';
import { alive, leftovers, remove, takeLock } from '../helpers/kernel.js';
import { withPods } from '../helpers/pods.js';
import { chart } from './chart.js';
import { describeMachine, stolen } from './machine.js';
import { readOptions, usage, UsageError, type Options } from './options.js';
import { compareRuns, readRun, writeRun, type Measured, type Run } from './record.js';
import { comparison, markdown, report } from './report.js';
import { ROWS, type Row } from './rows.js';
import { Stage, type Mode, type Proof } from './stage.js';
import { ratioOf, type Block } from './statistics.js';

const PATIENCE_S = 900;
const full = { blocks: 8, sampleMs: 500 };
const quickly = { blocks: 5, sampleMs: 200 };

const TITLE = 'How many times better than plain TCP, or than what the row names';

const stopped = { by: '' };

interface Sampled {
  readonly value: number;
  readonly proof: Proof;
}

function figure(row: Row, mode: Mode, value: number | undefined): number {
  if (value === undefined || !(value > 0)) throw new Error(`${row.id}, ${mode}: no figure`);
  return value;
}

function goOn(): void {
  if (stopped.by !== '') throw new Error(`stopped by ${stopped.by}`);
}

async function sample(stage: Stage, row: Row, mode: Mode): Promise<Sampled> {
  await stage.prepare(mode);
  const { result, proof } = await stage.proven(() => row.measure(stage, mode));
  return { value: figure(row, mode, result), proof };
}

const middle = (proofs: readonly Proof[]): Proof => ({
  redirected: median(proofs.map(({ redirected }) => redirected)),
  passed: median(proofs.map(({ passed }) => passed)),
  packets: median(proofs.map(({ packets }) => packets)),
});

const ROLES = ['baseline', 'contender'] as const;

type OfBoth<T> = Record<(typeof ROLES)[number], T[]>;

interface Sampling {
  readonly block: Block;
  readonly proof: OfBoth<Proof>;
}

async function oneByOne(stage: Stage, row: Row): Promise<Sampling> {
  const block: OfBoth<number> = { baseline: [], contender: [] }, proof: OfBoth<Proof> = { baseline: [], contender: [] };
  for (const role of ['baseline', 'contender', 'contender', 'baseline'] as const) {
    goOn();
    const sampled = await sample(stage, row, row[role]);
    block[role].push(sampled.value);
    proof[role].push(sampled.proof);
  }
  return { block, proof };
}

/** What the kernel counted is of both together; the baseline adds packets only, or nothing. */
async function inTurns(stage: Stage, row: Row): Promise<Sampling> {
  const block: OfBoth<number> = { baseline: [], contender: [] }, proof: OfBoth<Proof> = { baseline: [], contender: [] };
  for (let time = 0; time < 2; time++) {
    goOn();
    await stage.prepare(row.baseline);
    await stage.prepare(row.contender);
    const sampled = await stage.proven(() => stage.inTurns((mode) => row.measure(stage, mode), row.baseline, row.contender));
    for (const [at, role] of ROLES.entries()) {
      block[role].push(figure(row, row[role], sampled.result[at]));
      proof[role].push(sampled.proof);
    }
  }
  return { block, proof };
}

async function measure(stage: Stage, row: Row, blocks: number, say: (text: string) => void): Promise<Measured> {
  const done: Block[] = [], proofs: OfBoth<Proof> = { baseline: [], contender: [] };
  const before = stolen();
  for (let number = 0; number < blocks; number++) {
    say(`${row.id}: block ${number + 1} of ${blocks}`);
    const { block, proof } = await (row.turns ? inTurns : oneByOne)(stage, row);
    done.push(block);
    for (const role of ROLES) proofs[role].push(...proof[role]);
  }
  const { id, what, unit, better, baseline, contender, target } = row;
  return {
    id, what, unit, better, baselineMode: baseline, contenderMode: contender, ...(target !== undefined && { target }),
    ...ratioOf(done), blocks: done, proof: middle(proofs.contender), baselineProof: middle(proofs.baseline),
    stolenTicks: stolen() - before, at: new Date().toISOString(),
  };
}

function wanted({ quick, only }: Options): readonly Row[] {
  return ROWS.filter((row) => (only ? only.test(row.id) : !quick || row.quick));
}

const failed: string[] = [];

/** A row that cannot be measured, because a program is missing or falls, takes no other with it. */
async function tryTo(row: Row, progress: Progress, work: () => Promise<Measured>): Promise<Measured | undefined> {
  try {
    return await work();
  } catch (error) {
    if (stopped.by !== '') throw error;
    failed.push(row.id);
    progress.note(`${row.id} could not be measured: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  }
}

async function measureAll(options: Options, progress: Progress): Promise<Run> {
  const settings = options.quick ? quickly : full;
  const old = options.resume && existsSync(options.out) ? readRun(options.out) : undefined;
  const run: Run = old ?? { apiVersion: 1, machine: describeMachine(), sampleMs: options.sampleMs ?? settings.sampleMs, rows: [] };
  const todo = wanted(options).filter(({ id }) => !run.rows.some((row) => row.id === id));
  // What is measured goes before whatever else the host does.
  setPriority(-20);
  progress.now('waiting for the turn');
  const release = await takeLock(PATIENCE_S);
  try {
    for (const path of leftovers((pid) => !alive(pid))) await remove(path);
    await withPods(async (pods) => {
      const stage = new Stage(pods, run.sampleMs);
      try {
        for (const [number, row] of todo.entries()) {
          const measured = await tryTo(row, progress, () => measure(stage, row, options.blocks ?? row.blocks ?? settings.blocks,
            (text) => { progress.now(`${number + 1} of ${todo.length}, ${text}`); }));
          if (!measured) continue;
          run.rows.push(measured);
          writeRun(options.out, run);
          progress.done(`${number + 1} of ${todo.length}, ${row.id}: ${measured.ratio.toFixed(3)} (${measured.low.toFixed(3)}..${measured.high.toFixed(3)})`);
        }
      } finally {
        await stage.clean();
      }
    });
  } finally {
    release();
    progress.close();
  }
  return run;
}

async function main(options: Options): Promise<number> {
  const { stdout } = process;
  const paint = paintFor(stdout.isTTY, process.env);
  const width = stdout.isTTY ? stdout.columns : 200;
  const print = (lines: readonly string[]): void => { stdout.write(`${lines.join('\n')}\n`); };
  if (options.list) {
    print(wanted(options).map(({ id, what, quick, baseline, contender }) => `${id.padEnd(40)} ${quick ? 'quick' : '     '}  ${contender} against ${baseline}: ${what}`));
    return 0;
  }
  // What it is compared with must be there before minutes are spent.
  const before = options.compare === undefined ? undefined : readRun(options.compare);
  const run = options.read === undefined ? await measureAll(options, new Progress(process.stderr)) : readRun(options.read);
  print(options.markdown ? markdown(run.rows) : report(run, width, paint));
  if (options.svg !== undefined) writeFileSync(options.svg, chart(run.rows, TITLE));
  const bad = failed.length > 0 ? 1 : 0;
  if (!before) return bad;
  const compared = compareRuns(before, run);
  print(['', `Compared with ${options.compare ?? ''}`, ...comparison(compared, width, paint)]);
  return compared.some(({ change }) => change === 'worse') ? 1 : bad;
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => { stopped.by = signal; });
try {
  const options = readOptions(process.argv.slice(2));
  if (options) process.exitCode = await main(options);
  else process.stdout.write(usage);
} catch (error) {
  const bad = error instanceof UsageError;
  process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n${bad ? `\n${usage}` : ''}`);
  process.exitCode = bad ? 2 : 1;
}
