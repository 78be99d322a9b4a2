// SPDX-License-Identifier: Apache-2.0
// Bytes reach their own peer and nobody else, however many connections there are and whichever ports come back.
import assert from 'node:assert/strict';
import { withDatapath } from '../helpers/datapath.js';

describe('many connections', () => {
  for (const unified of [true, false]) {
    it(`1000 at once: nobody reads the bytes of another, nor its own (dp-constant-key-misdelivery, dp-own-queue-redirect), unified=${unified}`,
      () => withDatapath({ unified }, async (t) => {
        const { bytes } = await t.run('many.py', { count: 1000 });
        assert.equal(t.redirected(), bytes);
        assert.equal(t.counters().connections.redirected, 1000);
      })).timeout(30_000);
  }

  it('a port that is used again within a second gets its own peer (dp-stale-tuple-aba)', () => withDatapath({}, async (t) => {
    const { bytes } = await t.run('same_port.py', { rounds: 200 });
    assert.equal(t.redirected(), bytes);
    assert.equal(t.counters().connections.redirected, 200);
    assert.equal(t.entries('sockets'), 0);
    assert.equal(t.entries('half_open'), 0);
  }));

  it('handshakes on two processors that have one slot between them: who loses it is whole on TCP, who has it is with its own peer', () => withDatapath({ maxHalfOpen: 1 }, async (t) => {
    const crowds = [t.start('many.py', { count: 1000 }), t.start('many.py', { count: 1000 })];
    const bytes = (await Promise.all(crowds.map(async (crowd) => Number((await crowd.end()).at(-1)?.['bytes'])))).reduce((sum, one) => sum + one, 0);
    const { redirected, remote } = t.counters().connections;
    // One that has lost its slot is seen as remote by both of its ends.
    assert.equal(2 * redirected + remote, 4000, JSON.stringify(t.counters().connections));
    assert.ok(redirected > 0);
    assert.ok(t.redirected() > 0 && t.redirected() <= bytes);
    assert.ok(t.entries('half_open') <= 1);
  })).timeout(60_000);
});
