// SPDX-License-Identifier: Apache-2.0
/** The claim: check by check, the same with and without acceleration. */
import type { Outcomes } from './suite.js';

export interface Difference {
  readonly check: string;
  /** '' when the check was not run. */
  readonly plain: string;
  readonly accelerated: string;
}

export function compare(plain: Outcomes, accelerated: Outcomes): Difference[] {
  const names = new Set([...plain.keys(), ...accelerated.keys()]);
  return [...names]
    .map((check) => ({ check, plain: plain.get(check) ?? '', accelerated: accelerated.get(check) ?? '' }))
    .filter((row) => row.plain !== row.accelerated);
}

export interface Verdict {
  /** Plain TCP agrees with itself, and acceleration does not agree with it. */
  readonly differences: Difference[];
  /** Plain TCP does not agree with itself: the check proves nothing, either way. */
  readonly unstable: Difference[];
}

/**
 * Judges the differences of one round by another. One that acceleration made only once still counts: only what plain
 * TCP does by itself is excused.
 */
export function judge(first: { plain: Outcomes; differences: readonly Difference[] }, again: { plain: Outcomes; differences: readonly Difference[] }): Verdict {
  const moody = (check: string): boolean => first.plain.get(check) !== again.plain.get(check);
  const seen = new Map([...first.differences, ...again.differences].map((row) => [row.check, row]));
  const rows = [...seen.values()];
  return { differences: rows.filter(({ check }) => !moody(check)), unstable: rows.filter(({ check }) => moody(check)) };
}
