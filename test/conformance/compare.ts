// SPDX-License-Identifier: Apache-2.0
/** The claim: test by test, the same with and without acceleration. */
import type { Outcomes } from './suites.js';

export interface Difference {
  readonly test: string;
  /** '' when the test was not run. */
  readonly plain: string;
  readonly accelerated: string;
}

export function compare(plain: Outcomes, accelerated: Outcomes): Difference[] {
  const names = new Set([...plain.keys(), ...accelerated.keys()]);
  return [...names]
    .map((test) => ({ test, plain: plain.get(test) ?? '', accelerated: accelerated.get(test) ?? '' }))
    .filter((row) => row.plain !== row.accelerated);
}

/** A difference counts only if it comes again: suites of others have tests that fail now and then by themselves. */
export function confirmed(first: readonly Difference[], second: readonly Difference[]): Difference[] {
  return first.filter(({ test, plain, accelerated }) =>
    second.some((other) => other.test === test && other.plain === plain && other.accelerated === accelerated));
}
