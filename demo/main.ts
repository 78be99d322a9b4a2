/** The demo: sets the stage, runs the rounds, tells what was seen, and leaves the host as it was. */
import { paintFor } from '../agent/cli/render/paint.js';
import { describeMachine } from './machine.js';
import { readOptions, usage, UsageError, type Options } from './options.js';
import { Progress } from './progress.js';
import { figuresOf, problemOf, type Seen } from './results.js';
import { report } from './report.js';
import { runRoundTrips } from './roundtrips.js';
import { calibrate, runRounds } from './rounds.js';
import { setStage } from './stage.js';
import { Undo } from './undo.js';

async function show(options: Options, stopped: AbortSignal, progress: Progress, undo: Undo): Promise<Seen> {
  const stage = await setStage(stopped, progress, undo);
  const machine = await describeMachine(stage);
  const requestsOfEachKind = await calibrate(stage, options.roundSeconds);
  const { rounds, checks } = await runRounds(stage, options.blocks, requestsOfEachKind);
  const roundTrips = await runRoundTrips(stage, options.roundTripBlocks, options.roundTrips);
  const { mode, programs } = stage.status.datapath;
  return { machine, mode, programs, requestsOfEachKind, rounds, checks, roundTrips, commands: [...stage.commands.typed] };
}

function print(seen: Seen, problem: string, { json }: Options): void {
  const { stdout } = process;
  if (json) {
    stdout.write(`${JSON.stringify({ ok: problem === '', problem, figures: figuresOf(seen), ...seen }, undefined, 2)}\n`);
    return;
  }
  const lines = report(seen, stdout.isTTY ? stdout.columns : 100, paintFor(stdout.isTTY, process.env));
  stdout.write(`\n${lines.join('\n')}\n`);
}

async function run(options: Options): Promise<number> {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => { stop.abort(new Error(`stopped by ${signal}`)); });
  const progress = new Progress(options.json ? process.stderr : process.stdout);
  const undo = new Undo();
  let code = 0;
  const fail = (sentence: string): void => {
    code = 1;
    process.stderr.write(`demo: ${sentence}\n`);
  };
  let seen: Seen | undefined;
  try {
    seen = await show(options, stop.signal, progress, undo);
  } catch (error) {
    progress.close();
    const cause: unknown = stop.signal.aborted ? stop.signal.reason : error;
    fail(cause instanceof Error ? cause.message : String(cause));
  }
  progress.now('clearing away');
  const failures = await undo.all();
  progress.close();
  if (seen) {
    const problem = problemOf(seen);
    print(seen, problem, options);
    if (problem !== '') fail(problem);
  }
  for (const failure of failures) fail(`not cleared away: ${failure}`);
  return code;
}

try {
  const options = readOptions(process.argv.slice(2));
  if (options) process.exitCode = await run(options);
  else process.stdout.write(usage);
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  process.stderr.write(`demo: ${error.message}\n\n${usage}`);
  process.exitCode = 2;
}
