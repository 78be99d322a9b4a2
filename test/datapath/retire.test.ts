// SPDX-License-Identifier: Apache-2.0
// Leaving acceleration loses nothing: a socket goes only when nothing of it waits and nothing is under way.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { startActor } from '../helpers/actor.js';
import { withDatapath } from '../helpers/datapath.js';
import { eventually } from '../helpers/kernel-lock.js';

const countsWaiting = readFileSync('/sys/kernel/btf/vmlinux').includes('msg_tot_len');

describe('retire', () => {
  for (const unified of [true, false]) {
    const mode = unified ? 'unified' : 'split';

    it(`unread bytes keep their socket in until they are read (dp-key-delete-drops-inflight): ${mode}`, () => withDatapath({ unified }, async (t) => {
      const actor = await startActor(t);
      await actor.talk();
      await actor.tell('send c 1000');
      const first = await t.retirePass();
      assert.deepEqual([first.unread, first.unlocked, first.unreachable], [1, 0, 0]);
      assert.ok(first.left >= 1);
      assert.deepEqual(await actor.tell('unread s'), { unread: 1000 });
      await actor.tell('send c 500');
      await actor.tell('read s');
      await eventually(async () => ((await t.retirePass()).left === 0 ? '' : 'still in the map'));
      assert.deepEqual(t.pairs().map((pair) => [pair.state, pair.reason]), [['tcp', 'leaving']]);
      const before = t.redirected();
      await actor.talk(5000);
      assert.equal(t.redirected(), before);
      await actor.quit();
    }));

    it(`one that has left reads on over TCP (dp-copied-seq-behind-after-removal): ${mode}`, () => withDatapath({ unified }, async (t) => {
      for (let turn = 0; turn < 10; turn++) {
        const actor = await startActor(t);
        await actor.talk();
        await actor.tell('send c 4000');
        await t.retirePass();
        await actor.tell('send c 4000');
        await actor.tell('read s');
        await eventually(async () => ((await t.retirePass()).left === 0 ? '' : 'still in the map'));
        await actor.tell('send c 3000');
        assert.deepEqual(await actor.tell('unread s'), { unread: 3000 });
        await actor.tell('read s');
        await actor.tell('send c 100');
        await actor.tell('close c');
        await actor.tell('end s');
        await actor.quit();
      }
    }));

    for (const read of [true, false]) it(`an end of stream that ${read ? 'was read' : 'waits'} keeps nobody in, and is there afterwards: ${mode}`, () => withDatapath({ unified }, async (t) => {
      for (let turn = 0; turn < 10; turn++) {
        const actor = await startActor(t);
        await actor.talk();
        await actor.tell('half c');
        if (read) for (let times = 0; times < 3; times++) await actor.tell('end s');
        // Where the kernel does not count bytes that wait, the end keeps its socket in until it closes.
        if (countsWaiting) await eventually(async () => ((await t.retirePass()).left === 0 ? '' : 'still in the map'));
        else await t.retirePass();
        await actor.tell('send s 5000');
        await actor.tell('read c');
        await actor.tell('end s');
        await actor.tell('send s 100');
        await actor.tell('close s');
        await actor.tell('end c');
        await actor.quit();
      }
    }));

    it(`under load every pair leaves and no stream is hurt: ${mode}`, () => withDatapath({ unified }, async (t) => {
      for (let turn = 0; turn < 5; turn++) {
        t.settings({ enabled: true });
        const load = t.start('load.py', { connections: 8, seed: turn });
        await load.next();
        await sleep(100);
        assert.equal(t.entries('sockets'), 16);
        t.settings({ enabled: false });
        await eventually(async () => {
          const pass = await t.retirePass();
          assert.equal(pass.unlocked, 0);
          return pass.left === 0 ? '' : `left: ${JSON.stringify(pass)}`;
        }, 10_000);
        assert.deepEqual(t.pairs().map((pair) => pair.state), Array<string>(8).fill('tcp'));
        await sleep(50);
        load.say();
        await load.end();
      }
      assert.ok(t.redirected() > 0);
    })).timeout(60_000);
  }

  it('one pair leaves, the other stays', () => withDatapath({}, async (t) => {
    const [one, other] = [await startActor(t), await startActor(t)];
    await one.talk();
    await other.talk();
    const [first, second] = t.pairs();
    await eventually(async () => {
      await t.retirePass(first!.id);
      return t.entries('sockets') === 2 ? '' : 'the pair is still in';
    });
    const states = new Map(t.pairs().map((pair) => [pair.id, pair.state]));
    assert.deepEqual([states.get(first!.id), states.get(second!.id)], ['tcp', 'active']);
    const before = t.redirected();
    await one.talk();
    await other.talk();
    assert.equal(t.redirected() - before, 2000);
    await one.quit();
    await other.quit();
  }));

  it('pairs in several namespaces all leave', async () => {
    const { withNetns } = await import('../helpers/pods.js');
    await withNetns((one) => withNetns((other) => withDatapath({}, async (t) => {
      const actors = [await startActor(t), await startActor(t, {}, { netns: one }), await startActor(t, {}, { netns: other })];
      for (const actor of actors) await actor.talk();
      assert.equal(t.entries('sockets'), 6);
      await eventually(async () => ((await t.retirePass()).left === 0 ? '' : 'still in the map'));
      for (const actor of actors) await actor.talk();
      for (const actor of actors) await actor.quit();
    })));
  });
});
