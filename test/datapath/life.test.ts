// SPDX-License-Identifier: Apache-2.0
// The agent may die at any time: the datapath goes on, the next agent takes it over, and uninstall leaves nothing.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { startActor } from '../helpers/actor.js';
import { bpfObjects, newSince, noneSince } from '../helpers/bpf-objects.js';
import { withDatapath } from '../helpers/datapath.js';
import { eventually } from '../helpers/kernel-lock.js';

const OWNER = fileURLToPath(new URL('../helpers/owner.js', import.meta.url));

describe('the life of a datapath', () => {
  it('close leaves it running; the next one takes it over with its pairs and counters (dp-orphan-redirect-after-agent-exit)',
    () => withDatapath({}, async (t) => {
      const actor = await startActor(t);
      await actor.talk(1000);
      assert.equal(t.tookOver, false);
      t.native.close();
      assert.ok(existsSync(join(t.options.pinPath, 'current')));
      await actor.talk(1000);
      const later = await startActor(t);
      await later.talk(1000);
      t.open();
      assert.equal(t.tookOver, true);
      assert.equal(t.redirected(), 6000);
      assert.deepEqual(t.pairs().map((pair) => pair.state), ['active', 'active']);
      await actor.talk(1000);
      await later.talk(1000);
      assert.equal(t.redirected(), 10_000);
      t.settings({ enabled: false });
      await actor.talk(1000);
      assert.equal(t.redirected(), 10_000, 'the new owner can switch it off');
      await actor.quit();
      await later.quit();
    }));

  it('events that happened without an agent reach the next one', () => withDatapath({}, async (t) => {
    t.native.close();
    const actor = await startActor(t);
    t.open();
    await t.events_('open', 'redirected');
    await actor.quit();
    await t.events_('close', 'redirected');
  }));

  it('what goes well is announced only while somebody asks for it', () => withDatapath({ tellAll: false }, async (t) => {
    const connect = async (): Promise<void> => {
      const actor = await startActor(t);
      await actor.talk();
      await actor.quit();
      await eventually(() => (t.pairs().length === 0 ? '' : 'the pair is there'));
    };
    await connect();
    t.native.applyTelling(true);
    await connect();
    await t.events_('close', 'redirected');
    t.native.applyTelling(false);
    await connect();
    assert.equal(t.counters().connections.redirected, 3);
    assert.deepEqual(t.events.map(({ type }) => type), ['open', 'close']);
  }));

  it('an owner killed with SIGKILL under load: streams stay whole and redirected, the next one takes over', () => withDatapath({}, async (t) => {
    t.native.close();
    for (let turn = 0; turn < 3; turn++) {
      const owner = t.command([process.execPath, OWNER, JSON.stringify(t.options)], { cgroup: undefined });
      assert.deepEqual(await owner.next(), { open: true, tookOver: true });
      const load = t.start('load.py', { connections: 4, seed: turn });
      await load.next();
      await sleep(100);
      await owner.kill();
      await sleep(100);
      t.open();
      assert.equal(t.tookOver, true);
      const before = t.redirected();
      assert.ok(before > 0);
      await sleep(100);
      assert.ok(t.redirected() > before, 'still redirected');
      load.say();
      await load.end();
      t.native.close();
    }
    t.open();
  })).timeout(40_000);

  it('taking over under load replaces the programs without hurting a stream', () => withDatapath({}, async (t) => {
    const load = t.start('load.py', { connections: 8 });
    await load.next();
    for (let turn = 0; turn < 10; turn++) {
      t.native.close();
      t.open();
      await sleep(30);
    }
    const before = t.redirected();
    await sleep(50);
    assert.ok(t.redirected() > before);
    load.say();
    await load.end();
  })).timeout(40_000);

  it('uninstall leaves no program, map, link or pin', async () => {
    const before = bpfObjects();
    await withDatapath({}, async (t) => {
      await t.run('random_sizes.py', { rounds: 20 });
      assert.ok(t.redirected() > 0);
      assert.ok(newSince(before).length > 10);
      t.native.uninstall();
      assert.equal(existsSync(t.options.pinPath), false);
      await noneSince(before);
    });
  });

  it('uninstall with live pairs: their bytes go on, and the last socket takes the rest with it', async () => {
    const before = bpfObjects();
    await withDatapath({}, async (t) => {
      const actor = await startActor(t);
      await actor.talk();
      await actor.tell('send c 3000');
      await actor.tell('send s 4000');
      t.native.uninstall();
      await actor.tell('read s');
      await actor.tell('read c');
      for (let turn = 0; turn < 20; turn++) await actor.talk(7000);
      const fresh = await startActor(t);
      await fresh.talk();
      await fresh.quit();
      await actor.tell('send c 10');
      await actor.tell('close c');
      await actor.tell('end s');
      await actor.quit();
      await noneSince(before);
    });
  });

  it('uninstall under load hurts no stream', () => withDatapath({}, async (t) => {
    const load = t.start('load.py', { connections: 8 });
    await load.next();
    await sleep(100);
    assert.ok(t.redirected() > 0);
    t.native.uninstall();
    await sleep(200);
    load.say();
    await load.end();
  }));

  it('pins are for root only', () => withDatapath({}, (t) => {
    assert.deepEqual(readdirSync(t.options.pinPath), ['current']);
    for (const path of [t.options.pinPath, join(t.options.pinPath, 'current')]) assert.equal(statSync(path).mode & 0o777, 0o700, path);
    return Promise.resolve();
  }));
});
