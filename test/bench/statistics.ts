// SPDX-License-Identifier: Apache-2.0
/** From blocks of samples to a ratio with an interval. Pure. */
import { mean, median } from '../../demo/statistics.js';

/** One block, in the order baseline, contender, contender, baseline: a drift of the host touches both alike. */
export interface Block {
  readonly baseline: readonly number[];
  readonly contender: readonly number[];
}

export interface Ratio {
  /** Contender to baseline: the median of the blocks. */
  readonly ratio: number;
  /** Ends of the 95 % interval, by resampling the blocks. */
  readonly low: number;
  readonly high: number;
  /** Medians over all samples. */
  readonly baseline: number;
  readonly contender: number;
}

const RESAMPLES = 4000;

/** The same blocks give the same interval. */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

const logOf = (values: readonly number[]): number => mean(values.map(Math.log));

export function ratioOf(blocks: readonly Block[]): Ratio {
  const logs = blocks.map(({ baseline, contender }) => logOf(contender) - logOf(baseline));
  const random = generator(logs.length);
  const medians = Array.from({ length: RESAMPLES }, () =>
    median(logs.map(() => logs[Math.floor(random() * logs.length)] ?? 0))).sort((a, b) => a - b);
  const at = (part: number): number => Math.exp(medians[Math.floor(part * (RESAMPLES - 1))] ?? 0);
  return {
    ratio: Math.exp(median(logs)), low: at(0.025), high: at(0.975),
    baseline: median(blocks.flatMap(({ baseline }) => baseline)),
    contender: median(blocks.flatMap(({ contender }) => contender)),
  };
}

export type Better = 'more' | 'less';
export type Change = 'better' | 'worse' | 'same';

/** Has a ratio moved by more than both of its intervals allow? */
export function changeOf(before: Ratio, now: Ratio, better: Better): Change {
  if (now.low > before.high) return better === 'more' ? 'better' : 'worse';
  if (now.high < before.low) return better === 'more' ? 'worse' : 'better';
  return 'same';
}
