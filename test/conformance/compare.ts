// SPDX-License-Identifier: Apache-2.0
/** The claim: check by check, the same with and without acceleration. */
import type { Outcomes, Suite } from './suite.js';

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

export const isKnown = ({ known = [] }: Pick<Suite, 'known'>, name: string): boolean => known.some(({ check }) => check.test(name));

/** Limits that were not seen, though their checks ran. */
export function notSeen({ known = [] }: Pick<Suite, 'known'>, plain: Outcomes, differences: readonly Difference[]): string[] {
  const ran = known.filter(({ check, sometimes }) => !sometimes && [...plain.keys()].some((name) => check.test(name)));
  return ran.filter(({ check }) => !differences.some((row) => check.test(row.check)))
    .map(({ limit }) => `no longer differs: ${limit}; take it off the list and out of docs/limits.md`);
}
