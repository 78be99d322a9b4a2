// SPDX-License-Identifier: Apache-2.0
// Every way in which a connection ends looks as it does on TCP. The one known difference is counted.
import assert from 'node:assert/strict';
import { withDatapath } from '../helpers/datapath.js';
import { SLOWNESS } from '../helpers/kernel.js';
import { eventually } from '../helpers/kernel-lock.js';

/** ECONNABORTED: what the reset by the agent gives where TCP's own would give ECONNRESET (docs/limits.md). */
const RESETS = ['EPIPE', 'ECONNRESET', 'ECONNABORTED'];

describe('the end of a connection', () => {
  for (const unified of [true, false]) {
    const mode = unified ? 'unified' : 'split';

    it(`half-close: every byte, then the end, then the late answer (dp-fin-overtakes-queued-data): ${mode}`,
      () => withDatapath({ unified }, async (t) => {
        await t.run('half_close.py', { rounds: 300 });
        assert.ok(t.redirected() > 300 * 6000);
      })).timeout(40_000);

    it(`half-close wakes the reader with the last bytes and the end (dp-fin-not-seen): ${mode}`, () => withDatapath({ unified }, async (t) => {
      const { bytes } = await t.run('end_seen.py');
      assert.ok(t.redirected() >= bytes);
    }));

    it(`resets, closed peers and shutdown give the errors of TCP, never EACCES (dp-redirect-after-peer-shutdown): ${mode}`,
      () => withDatapath({ unified }, async (t) => {
        const plain = await t.run('errors.py', {}, { cgroup: t.newCgroup() });
        assert.equal(t.redirected(), 0);
        assert.deepEqual(await t.run('errors.py'), plain);
        assert.ok(t.redirected() > 0);
      }));

    it(`a killed peer ends reads and writes while bytes are on the way: ${mode}`, () => withDatapath({ unified }, async (t) => {
      const ends = await t.run('killed.py', { rounds: 30 });
      assert.ok(t.redirected() > 0);
      assert.deepEqual(Object.keys(ends).filter((end) => !['EOF', ...RESETS].includes(end)), []);
      assert.equal(t.entries('sockets'), 0);
    }));

    for (const reads of [false, true]) {
      it(`a writer that waits is told when its reader, who ${reads ? 'was slow' : 'slept'}, is killed (dp-close-with-unread-no-reset): ${mode}`,
        () => withDatapath({ unified }, async (t) => {
          const { woken, seconds, error } = await t.run('abandoned.py', { reads });
          assert.ok(t.redirected() > 0);
          assert.deepEqual([woken, seconds < SLOWNESS], [true, true], `woken ${String(woken)} after ${String(seconds)} s`);
          assert.ok(RESETS.includes(error as string), error as string);
          await eventually(() => (t.pairs().length + t.entries('sockets') === 0 ? '' : `${t.pairs().length} pairs are left`));
        }));
    }

    it(`a close with unread redirected bytes is counted, and costs the other end none of its own (dp-close-with-unread-no-reset): ${mode}`,
      () => withDatapath({ unified }, async (t) => {
        const plain = await t.run('close_unread.py', {}, { cgroup: t.newCgroup() });
        assert.deepEqual([plain['got'], plain['end']], [2000, 'ECONNRESET']);
        const { got, end, write } = await t.run('close_unread.py');
        assert.equal(t.counters().closedUnread, 1);
        assert.equal(got, 2000);
        // The kernel says EOF, and after that the reset of the agent comes; see docs/limits.md.
        assert.ok(['EOF', 'ECONNABORTED'].includes(end as string), end as string);
        assert.ok(RESETS.includes(write as string), write as string);
      }));

    it(`clean closes are not counted as unread: ${mode}`, () => withDatapath({ unified }, async (t) => {
      for (let turn = 0; turn < 5; turn++) await t.run('close_unread.py', { unread: false });
      assert.ok(t.redirected() > 0);
      assert.equal(t.counters().closedUnread, 0);
    }));
  }
});
