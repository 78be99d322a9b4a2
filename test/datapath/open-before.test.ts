// SPDX-License-Identifier: Apache-2.0
// Connections that were open before the programs came: both ends are found, learned and adopted, and nobody notices.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { startActor, type Actor } from '../helpers/actor.js';
import { withDatapath, type TestDatapath } from '../helpers/datapath.js';
import { eventually } from '../helpers/kernel-lock.js';
import { withNetns, withPods } from '../helpers/pods.js';

/** What the agent does whenever something is being learned. */
async function active(t: TestDatapath, count: number, meanwhile: () => Promise<void>): Promise<void> {
  await eventually(async () => {
    await meanwhile();
    await t.native.learnPass();
    const states = t.pairs().map(({ state, reason }) => `${state}/${reason}`);
    return states.filter((state) => state === 'active/redirected').length === count ? '' : states.join(' ');
  }, 8000);
}

/** A datapath that comes when the actors are there already. */
async function late(test: (t: TestDatapath, open: () => void) => Promise<void>): Promise<void> {
  await withDatapath({ trustListeners: false }, async (t) => {
    t.native.uninstall();
    await test(t, () => { t.open(); });
  });
}

const allTalk = (actors: readonly Actor[]) => async (): Promise<void> => {
  for (const actor of actors) await actor.talk(300);
};

describe('connections that were open before', () => {
  for (const host of ['127.0.0.1', '::1']) {
    it(`are paired by what their sockets know, however much they have carried: ${host}`, () => late(async (t, open) => {
      const actors = [await startActor(t, { host }), await startActor(t, { host }), await startActor(t, { host })];
      await actors[0]!.talk(400_000);
      await actors[1]!.talk(1);
      open();
      assert.deepEqual(await t.native.findOpen(), { sockets: 6, pairs: 3, tracked: 3, unable: 0 });
      assert.deepEqual(t.pairs().map(({ state, reason }) => [state, reason]), Array(3).fill(['tcp', 'learning']));
      assert.deepEqual(await t.native.findOpen(), { sockets: 0, pairs: 0, tracked: 0, unable: 0 }, 'once');
      await active(t, 3, allTalk(actors));
      const before = t.redirected();
      for (const actor of actors) await actor.talk(1000);
      assert.equal(t.redirected() - before, 6000);
      for (const actor of actors) await actor.quit();
      await eventually(() => (t.entries('pairs') + t.entries('sockets') === 0 ? '' : 'rows are left'));
    }));
  }

  it('in several network namespaces, between two, and through DNAT and MASQUERADE', () => withNetns((other) => withPods((pods) => late(async (t, open) => {
    const actors = [await startActor(t), await startActor(t, {}, { netns: other })];
    const server = t.start('pod_server.py', { host: '0.0.0.0', port: 8080 }, { netns: pods.b });
    await server.next();
    const clients = [{ to: pods.b4, port: 8080 }, { to: pods.service.host, port: pods.service.port }]
      .map((address) => t.start('pod_client.py', address, { netns: pods.a }));
    for (const client of clients) await client.next();
    open();
    assert.equal((await t.native.findOpen()).tracked, 4);
    await active(t, 4, async () => {
      await allTalk(actors)();
      for (const client of clients) {
        client.say('talk');
        await client.next();
      }
    });
    for (const client of clients) {
      client.say('quit');
      await client.end();
    }
    for (const actor of actors) await actor.quit();
  }))));

  it('under load: adopted, and no byte is lost or late', () => late(async (t, open) => {
    for (let turn = 0; turn < 5; turn++) {
      const load = t.start('load.py', { connections: 8, seed: turn });
      await load.next();
      await sleep(100);
      if (turn === 0) open();
      assert.equal((await t.native.findOpen()).tracked, turn === 0 ? 8 : 0);
      await active(t, 8, () => sleep(5));
      const before = t.redirected();
      await sleep(100);
      assert.ok(t.redirected() > before);
      load.say();
      await load.end();
      // The next ones are not new to anybody: they were opened while it was switched off.
      t.settings({ enabled: false });
      await eventually(async () => ((await t.retirePass()).left === 0 ? '' : 'still in the map'));
      if (turn === 4) return;
      const again = t.start('load.py', { connections: 8, seed: turn + 10 });
      await again.next();
      t.settings({ enabled: true });
      assert.equal((await t.native.findOpen()).tracked, 8);
      await active(t, 8, () => sleep(5));
      again.say();
      await again.end();
      t.native.uninstall();
      t.open();
    }
  })).timeout(60_000);

  it('one end outside the served cgroup: not ours', () => late(async (t, open) => {
    const inside = await startActor(t);
    const outside = await startActor(t, {}, { cgroup: t.newCgroup() });
    const server = t.start('pod_server.py', { host: '127.0.0.1', port: 0 });
    const { port } = await server.next();
    const client = t.start('pod_client.py', { to: '127.0.0.1', port: Number(port) }, { cgroup: t.newCgroup() });
    await client.next();
    open();
    assert.deepEqual(await t.native.findOpen(), { sockets: 3, pairs: 1, tracked: 1, unable: 0 });
    client.say('quit');
    await client.end();
    await inside.quit();
    await outside.quit();
  }));

  it('blocking ends are learned as such and stay on TCP', () => late(async (t, open) => {
    const actor = await startActor(t, { kind: 'blocking_client' });
    open();
    assert.equal((await t.native.findOpen()).tracked, 1);
    await sleep(150);
    await actor.talk(100);
    await t.native.learnPass();
    assert.deepEqual(t.pairs().map(({ state, reason }) => [state, reason]), [['tcp', 'blocking']]);
    await actor.quit();
  }));

  it('nothing is done while it is switched off; while it is observed they are learned and not enrolled', () => late(async (t, open) => {
    const actor = await startActor(t);
    open();
    t.settings({ enabled: false });
    assert.equal((await t.native.findOpen()).tracked, 0);
    assert.equal(t.entries('pairs'), 0);
    t.settings({ observe: true });
    assert.equal((await t.native.findOpen()).tracked, 1);
    await actor.talk();
    await t.native.learnPass();
    assert.deepEqual(t.pairs().map(({ state, reason }) => [state, reason]), [['tcp', 'observed']]);
    await actor.quit();
    await eventually(() => (t.entries('pairs') === 0 ? '' : 'the row is left'));
  }));

  it('a thousand are found in batches', () => late(async (t, open) => {
    const many = t.start('many_open.py', { count: 1500 });
    await many.next();
    open();
    assert.deepEqual(await t.native.findOpen(), { sockets: 3000, pairs: 1500, tracked: 1500, unable: 0 });
    many.say('talk');
    await many.next();
    await active(t, 1500, () => sleep(5));
    many.say('talk');
    await many.next();
    many.say('quit');
    await many.end();
    await eventually(() => (t.entries('pairs') === 0 ? '' : `${t.entries('pairs')} rows are left`));
  })).timeout(60_000);
});
