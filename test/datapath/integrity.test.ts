// SPDX-License-Identifier: Apache-2.0
// Every byte arrives once and in order, whatever the address family, the mode and the sizes.
import assert from 'node:assert/strict';
import { withDatapath } from '../helpers/datapath.js';

const FAMILIES = [
  { name: 'IPv4', host: '127.0.0.1', to: '127.0.0.1' },
  { name: 'IPv6', host: '::1', to: '::1' },
  { name: 'v4-mapped', host: '::', to: '::ffff:127.0.0.1' },
  { name: 'an IPv4 client of an IPv6 server', host: '::', to: '127.0.0.1' },
];

describe('integrity', () => {
  for (const unified of [true, false]) {
    const mode = unified ? 'unified' : 'split';
    for (const { name, host, to } of FAMILIES) {
      it(`carries messages of 1 to 70000 bytes both ways: ${name}, ${mode}`, () => withDatapath({ unified }, async (t) => {
        const { bytes } = await t.run('random_sizes.py', { host, to, rounds: 150 });
        assert.equal(t.counters().bytes.untracked, 0);
        assert.ok(t.redirected() > bytes / 2, `${t.redirected()} of ${String(bytes)} bytes were redirected`);
      }));
    }

    it(`carries messages around powers of two (dp-power-of-two-mask): ${mode}`, () => withDatapath({ unified }, async (t) => {
      const { bytes, messages } = await t.run('powers_of_two.py', { counts: unified });
      assert.equal(t.redirected(), bytes);
      assert.equal(t.counters().messages.redirected, messages);
    }));

    it(`carries one writev of 1024 pieces (dp-large-message-panic): ${mode}`, () => withDatapath({ unified }, async (t) => {
      const { bytes } = await t.run('writev.py');
      assert.ok(t.redirected() >= bytes / 2, `${t.redirected()} of ${String(bytes)}`);
    }));

    it(`carries a file sent with sendfile: ${mode}`, () => withDatapath({ unified }, async (t) => {
      const { bytes } = await t.run('sendfile.py');
      assert.ok(t.redirected() > 0);
      assert.equal(t.redirected() + t.counters().bytes.unread_tcp + t.counters().bytes.queue_full + t.counters().bytes.not_accepted, bytes);
    }));
  }
});
