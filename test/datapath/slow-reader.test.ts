// SPDX-License-Identifier: Apache-2.0
// A reader that sleeps stops its writer as TCP does: bounded, told to wait, told to go on, and nothing is lost.
import assert from 'node:assert/strict';
import { withDatapath } from '../helpers/datapath.js';

describe('slow reader', () => {
  for (const unified of [true, false]) {
    for (const rcvbuf of [0, 4096]) {
      for (const piece of [100, 16_384]) {
        const name = `${unified ? 'unified' : 'split'}, ${rcvbuf === 0 ? 'usual buffer' : 'SO_RCVBUF=4096'}, messages of ${piece}`;
        it(`the writer is held back as on TCP (dp-slow-reader-not-charged, dp-unbounded-backlog): ${name}`,
          () => withDatapath({ unified }, async (t) => {
            const options = { rcvbuf, piece };
            const outside = t.start('slow_reader.py', options, { cgroup: t.newCgroup() });
            const plain = await outside.next();
            outside.say();
            await outside.end();
            const program = t.start('slow_reader.py', options);
            const seen = await program.next();
            assert.ok(seen['taken'] <= plain['taken'] * 1.5, `${String(seen['taken'])} taken, ${String(plain['taken'])} by TCP`);
            assert.ok(seen['taken'] < 16 << 20);
            assert.deepEqual(seen['errors'], [], 'no error but EAGAIN (dp-slow-reader-send-error)');
            assert.equal(seen['quiet'], true, 'not writable while the peer is full (dp-writable-when-peer-full)');
            assert.ok(seen['busy'] < 0.1, 'waiting takes no CPU');
            assert.equal(seen['woken'], true, 'writable again when the reader has caught up');
            assert.ok(t.counters().bytes.queue_full + t.counters().bytes.unread_tcp > 0, 'the stream went back to TCP');
            const before = t.redirected();
            program.say();
            await program.end();
            assert.equal(t.redirected() - before, 100, 'the stream returned');
          }));
      }
    }
  }
});
