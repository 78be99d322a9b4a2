// SPDX-License-Identifier: Apache-2.0
// Others on the same hooks: their sockets and ours get every byte right, whoever came first, and nothing of ours is left behind.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findCgroup2 } from '../../agent/datapath/cgroup.js';
import { startActor } from '../helpers/actor.js';
import { withDatapath, type TestDatapath } from '../helpers/datapath.js';
import { freshName } from '../helpers/kernel.js';
import { eventually } from '../helpers/kernel-lock.js';
import { Neighbour } from '../helpers/neighbour.js';
import { onGround } from '../helpers/real-agent.js';

/** `before`: what they do before there is a connection. */
async function beside(before: (theirs: Neighbour, cgroup: string) => void, test: (t: TestDatapath, theirs: Neighbour) => Promise<void>): Promise<void> {
  await withDatapath({}, async (t) => {
    const theirs = new Neighbour();
    t.undo(() => { theirs.clean(); });
    before(theirs, t.cgroup);
    await test(t, theirs);
  });
}

describe('neighbours', () => {
  it('who came first and hold the messages of a socket keep it: plain TCP, reason busy (dp-two-owners-busy)', async () => {
    const theirs = new Neighbour();
    const cgroup = join(findCgroup2(), freshName());
    mkdirSync(cgroup);
    try {
      theirs.watchMessages();
      // Of programs on one cgroup the one that was attached first runs first.
      theirs.attach('their_holder', cgroup);
      await withDatapath({ cgroupPath: cgroup }, async (t) => {
        const { bytes } = await t.run('random_sizes.py', { rounds: 50 });
        assert.ok(bytes > 0);
        assert.equal(theirs.counts().sockets, 2);
        assert.ok(theirs.counts().messages > 50);
        assert.equal(t.redirected(), 0);
        assert.equal(t.counters().connections.busy, 1);
        assert.deepEqual([t.entries('sockets'), t.entries('pairs')], [0, 0]);
        t.undo(() => { theirs.clean(); });
      });
    } finally {
      theirs.clean();
    }
  });

  it('who come second and want the messages get nothing of ours, and every byte is right', () => beside((theirs, cgroup) => {
    theirs.watchMessages();
    theirs.attach('their_holder', cgroup);
  }, async (t, theirs) => {
    const { bytes } = await t.run('random_sizes.py', { rounds: 50 });
    assert.ok(t.redirected() > bytes / 2);
    assert.deepEqual(theirs.counts(), { sockets: 0, messages: 0 });
  }));

  it('who keep our sockets in a map of their own without programs are no hindrance; such a socket passes, and leaves when theirs does', () => beside((theirs, cgroup) => {
    theirs.attach('their_holder', cgroup);
  }, async (t, theirs) => {
    const actor = await startActor(t);
    await actor.talk();
    assert.equal(theirs.counts().sockets, 2);
    const before = t.redirected();
    assert.ok(before > 0);
    t.settings({ enabled: false });
    await eventually(async () => ((await t.retirePass()).unread === 0 ? '' : 'unread'));
    await actor.talk(5000);
    assert.equal(t.redirected(), before);
    await actor.quit();
    await eventually(() => (t.entries('sockets') + t.entries('pairs') === 0 ? '' : 'it has not left'));
  }));

  it('who take our callbacks away do not make records stay: ends are found by counting, and are heard of again', () => beside((theirs, cgroup) => {
    theirs.attach('their_flags', cgroup);
  }, async (t) => {
    const lost = await startActor(t);
    await lost.talk();
    await lost.quit();
    assert.equal(t.entries('pairs'), 1, 'nobody heard of its end');
    const kept = await startActor(t);
    await kept.talk();
    assert.deepEqual(await t.native.censusPass(1), { deaf: 2, gone: 0 });
    // The first two only begin; the third finds them missing, and so does the fourth.
    for (const number of [2, 3]) assert.deepEqual(await t.native.censusPass(number), { deaf: 0, gone: 0 });
    assert.deepEqual(await t.native.censusPass(4), { deaf: 0, gone: 2 });
    assert.equal(t.entries('pairs'), 1, 'the one that is open');
    await t.events_('close', 'redirected');
    await kept.talk();
    await kept.quit();
    await eventually(() => (t.entries('pairs') === 0 ? '' : 'nobody heard of its end'));
    const edges = t.native.edges() as { connections: number; accelerated: number }[];
    assert.deepEqual(edges.map(({ connections, accelerated }) => [connections, accelerated]), [[1, 1], [1, 1]]);
  }));

  for (const [order, first] of [['before us', true], ['after us', false]] as const) {
    it(`who change what a program sets as an option, ${order}: they see it whole, and what they make of it holds`, async () => {
      const theirs = new Neighbour();
      const cgroup = join(findCgroup2(), freshName());
      mkdirSync(cgroup);
      if (first) theirs.attach('their_option', cgroup);
      await withDatapath({ cgroupPath: cgroup }, async (t) => {
        t.undo(() => { theirs.clean(); });
        if (!first) theirs.attach('their_option', cgroup);
        const { small, large } = await t.run('receive_buffer.py', { small: 20_000, large: 200_000 });
        // The kernel doubles what is asked for.
        assert.deepEqual([small, large], [2 * 20_000, 2 * 65_536]);
      });
    });
  }

  it('a count ends nothing that is open: while connections come and go', () => withDatapath({}, async (t) => {
    const load = t.start('load.py', { connections: 8, seed: 1 });
    await load.next();
    for (let number = 65_500; number <= 65_535; number++) await t.native.censusPass(number);
    for (let number = 1; number < 40; number++) assert.deepEqual(await t.native.censusPass(number), { deaf: 0, gone: 0 });
    assert.equal(t.entries('pairs'), 8);
    await sleep(50);
    load.say();
    await load.end();
  }));

  it('are named by check', () => onGround((ground) => {
    const theirs = new Neighbour();
    try {
      theirs.watchMessages();
      theirs.attach('their_flags', ground.cgroup);
      const { stdout } = ground.cli('check');
      assert.match(stdout, /their_flags \(id \d+\).*sock_ops/);
      assert.match(stdout, /their_message \(id \d+\).*sk_msg/);
    } finally {
      theirs.clean();
    }
    return Promise.resolve();
  }));
});
