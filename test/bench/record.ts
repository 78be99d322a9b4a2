// SPDX-License-Identifier: Apache-2.0
/** What a run leaves: one JSON file, written after each row, so that a run can be resumed and compared. */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { Machine } from './machine.js';
import type { Proof } from './stage.js';
import { changeOf, type Better, type Block, type Change, type Ratio } from './statistics.js';

export interface Measured extends Ratio {
  readonly id: string;
  readonly what: string;
  readonly unit: string;
  readonly better: Better;
  readonly baselineMode: string;
  readonly contenderMode: string;
  readonly target?: number;
  readonly blocks: readonly Block[];
  /** Of one sample of the contender, the median. */
  readonly proof: Proof;
  /** Of one sample of the baseline. */
  readonly baselineProof: Proof;
  readonly stolenTicks: number;
  readonly at: string;
}

export interface Run {
  readonly apiVersion: 1;
  readonly machine: Machine;
  readonly sampleMs: number;
  readonly rows: Measured[];
}

export function readRun(file: string): Run {
  let run: Partial<Run>;
  try {
    run = JSON.parse(readFileSync(file, 'utf8')) as Partial<Run>;
  } catch (error) {
    throw new Error(`${file} cannot be read as the JSON of a run: ${(error as Error).message}`, { cause: error });
  }
  if (run.apiVersion !== 1 || !Array.isArray(run.rows)) throw new Error(`${file} is not what \`npm run bench -- --out FILE\` writes`);
  return run as Run;
}

export function writeRun(file: string, run: Run): void {
  writeFileSync(`${file}.new`, `${JSON.stringify(run, undefined, 1)}\n`);
  renameSync(`${file}.new`, file);
}

/** Does the row reach what it aims at? Undefined without a target. */
export function reaches({ ratio, better, target }: Pick<Measured, 'ratio' | 'better' | 'target'>): boolean | undefined {
  if (target === undefined) return undefined;
  return better === 'more' ? ratio >= target : ratio <= target;
}

export interface Compared {
  readonly row: Measured;
  readonly before: Measured;
  readonly change: Change;
}

export function compareRuns(before: Run, now: Run): Compared[] {
  return now.rows.flatMap((row) => {
    const old = before.rows.find(({ id }) => id === row.id);
    return old ? [{ row, before: old, change: changeOf(old, row, row.better) }] : [];
  });
}

/** Plain against plain must come out even, or the machine was too busy for the figures to mean anything. */
export const noisy = ({ rows }: Run, most = 0.03): Measured[] =>
  rows.filter(({ baselineMode, contenderMode, low, high }) => baselineMode === contenderMode && (low < 1 - most || high > 1 + most));
