/** Which mode serves this kernel: the first one whose self-test passes. What it does is tried, never its version read. */
import { failuresOf, type SelfTestResult } from './selftest.js';
import type { Mode, ServingMode } from './types.js';

export interface Decision {
  readonly mode: Mode;
  /** Why no better one; '' when it is the best. */
  readonly why: string;
  /** In the order in which they were tried. */
  readonly trials: readonly SelfTestResult[];
}

/** Best first. */
const MODES: readonly ServingMode[] = ['unified', 'split'];

export async function decideMode(configured: ServingMode | 'auto', trial: (mode: ServingMode) => Promise<SelfTestResult>): Promise<Decision> {
  const trials: SelfTestResult[] = [];
  for (const mode of configured === 'auto' ? MODES : [configured]) {
    const result = await trial(mode);
    trials.push(result);
    if (result.ok) return { mode, why: refusals(trials), trials };
  }
  return { mode: 'off', why: refusals(trials), trials };
}

function refusals(trials: readonly SelfTestResult[]): string {
  return trials.filter(({ ok }) => !ok).map((result) => `${result.mode} failed the self-test: ${failuresOf(result)}`).join('; ');
}
