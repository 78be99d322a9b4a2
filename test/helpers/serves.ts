// SPDX-License-Identifier: Apache-2.0
/** What this kernel can do, as the agent's own self-test finds it: asked once in a run, within the turn of the tests. */
import { join } from 'node:path';
import { findCgroup2 } from '../../agent/datapath/cgroup.js';
import { runSelfTest, type SelfTestResult } from '../../agent/datapath/selftest.js';
import type { ServingMode } from '../../agent/datapath/types.js';
import { BPFFS, freshName } from './kernel.js';

const asked = new Map<ServingMode, Promise<SelfTestResult>>();

export function selfTest(mode: ServingMode): Promise<SelfTestResult> {
  const known = asked.get(mode) ?? runSelfTest(findCgroup2(), join(BPFFS, freshName()), mode);
  asked.set(mode, known);
  return known;
}

export const modeOf = (unified: boolean): ServingMode => (unified ? 'unified' : 'split');

/** The kernel's FIONREAD counts what went around TCP. Kernels that do not are served in mode split. */
export async function countsRedirected(): Promise<boolean> {
  const { steps } = await selfTest('unified');
  return steps.find(({ test }) => test === 'fionread')?.ok === true;
}
