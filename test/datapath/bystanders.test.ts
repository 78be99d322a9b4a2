// SPDX-License-Identifier: Apache-2.0
// Programs that the kernel's redirected sockets would break do not notice; nginx, which is served, gets every body right.
import assert from 'node:assert/strict';
import { withDatapath } from '../helpers/datapath.js';
import { countsRedirected } from '../helpers/serves.js';

describe('programs as they are', () => {
  for (const unified of [true, false]) {
    it(`programs with blocking sockets see what they see without Sidestep: unified=${unified}`, () => withDatapath({ unified }, async (t) => {
      const plain = await t.run('blocking.py', {}, { cgroup: t.newCgroup() });
      assert.deepEqual(await t.run('blocking.py'), plain);
      assert.equal(t.redirected(), 0);
      const { blocking, redirected } = t.counters().connections;
      assert.deepEqual([blocking > 5, redirected], [true, 0]);
      await t.events_('refused', 'blocking', blocking);
    }));
  }

  for (const keepalive of [true, false]) {
    const how = keepalive ? 'connections that are kept' : 'a connection for each request, written before it is accepted';
    it(`nginx in front of nginx, in the mode that serves it: every body from 1 byte to 5 MB, both ways, with the buffers that it has by default (dp-sndbuf-full-broken), over ${how}`, async () => {
      const unified = await countsRedirected();
      await withDatapath(unified ? {} : { unified, splitBytes: 1024 }, async (t) => {
        const { good } = await t.run('nginx_bodies.py', { keepalive });
        assert.equal(good, 60);
        assert.ok(t.redirected() > (unified ? 1_000_000 : 0), String(t.redirected()));
      });
    }).timeout(60_000);
  }
});
