// SPDX-License-Identifier: Apache-2.0
// Nobody sleeps over bytes that have arrived.
import assert from 'node:assert/strict';
import { withDatapath } from '../helpers/datapath.js';

describe('wake-ups', () => {
  for (const unified of [true, false]) {
    const mode = unified ? 'unified' : 'split';
    for (const edge of [true, false]) {
      it(`2000 rounds between two processes, ${edge ? 'edge' : 'level'} triggered (dp-epoll-wakeup-missed): ${mode}`,
        () => withDatapath({ unified }, async (t) => {
          const { messages } = await t.run('wake_ups.py', { edge, rounds: 2000 });
          assert.ok(t.counters().messages.redirected > messages * 0.9, `${t.counters().messages.redirected} of ${String(messages)}`);
        }));
    }

    it(`a connection that is accepted late is readable at once (dp-stall-recv-before-accept): ${mode}`, () => withDatapath({ unified }, async (t) => {
      const { connections } = await t.run('late_accept.py');
      assert.ok(t.counters().messages.not_accepted >= connections);
      assert.ok(t.redirected() >= connections * 8, 'and then it is accelerated');
    }));
  }
});
