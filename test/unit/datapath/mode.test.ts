// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { decideMode } from '../../../agent/datapath/mode.js';
import type { SelfTestResult } from '../../../agent/datapath/selftest.js';
import type { ServingMode } from '../../../agent/datapath/types.js';

const result = (mode: ServingMode, failed: string[] = []): SelfTestResult => ({
  mode, redirected: 5, foundOut: 1, ok: failed.length === 0,
  steps: ['pairing', ...failed].map((test) => ({ test, ok: !failed.includes(test), detail: failed.includes(test) ? 'seen' : '' })),
});

/** A kernel that fails these steps, and the modes that were tried on it. */
function kernel(fails: Partial<Record<ServingMode, string[]>>): { tried: ServingMode[]; trial: (mode: ServingMode) => Promise<SelfTestResult> } {
  const tried: ServingMode[] = [];
  return {
    tried,
    trial: (mode) => {
      tried.push(mode);
      return Promise.resolve(result(mode, fails[mode]));
    },
  };
}

describe('the mode', () => {
  it('is the best one whose self-test passes, and nothing more is tried', async () => {
    const { tried, trial } = kernel({});
    const { mode, why } = await decideMode('auto', trial);
    assert.deepEqual([mode, why, tried], ['unified', '', ['unified']]);
  });

  it('is the next one where the best fails, and says why it is not that', async () => {
    const { tried, trial } = kernel({ unified: ['fionread'] });
    const { mode, why } = await decideMode('auto', trial);
    assert.deepEqual([mode, tried], ['split', ['unified', 'split']]);
    assert.equal(why, 'unified failed the self-test: fionread (seen)');
  });

  it('is off where none passes, with what each one failed', async () => {
    const { mode, why } = await decideMode('auto', kernel({ unified: ['order'], split: ['order', 'peer_gone'] }).trial);
    assert.equal(mode, 'off');
    assert.equal(why, 'unified failed the self-test: order (seen); split failed the self-test: order (seen), peer_gone (seen)');
  });

  it('that was asked for is the only one tried', async () => {
    const { tried, trial } = kernel({ split: ['back_pressure'] });
    const { mode } = await decideMode('split', trial);
    assert.deepEqual([mode, tried], ['off', ['split']]);
  });

  it('counts a test that redirected nothing, or found nobody out, as failed', async () => {
    const trial = (mode: ServingMode): Promise<SelfTestResult> =>
      Promise.resolve({ ...result(mode), ok: false, redirected: mode === 'unified' ? 0 : 5, foundOut: 0 });
    const { why } = await decideMode('auto', trial);
    assert.match(why, /unified failed the self-test: redirect \(no message went around TCP\); split failed the self-test: fionread_guard/);
  });
});
