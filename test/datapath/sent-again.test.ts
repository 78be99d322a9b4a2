// SPDX-License-Identifier: Apache-2.0
// TCP may send bytes again together with new ones. Its own reader takes them once; so does ours.
import assert from 'node:assert/strict';
import { withDatapath } from '../helpers/datapath.js';
import { countsRedirected, modeOf } from '../helpers/serves.js';

describe('bytes that TCP sends again', () => {
  for (const unified of [true, false]) {
    it(`are read once, whatever waits before them: ${modeOf(unified)}`, () => withDatapath({ unified }, async (t) => {
      const { cut } = await t.run('sent_again.py', { counts: unified && await countsRedirected() });
      assert.ok(t.redirected() > 0);
      assert.equal(t.counters().connections.redirected, 2);
      assert.equal(t.counters().tcpRepeatedBytes, unified ? cut : 0);
    }));
  }
});
