// SPDX-License-Identifier: Apache-2.0
// A connection to a peer that is not watched costs nothing: no pair, no socket, no record, no verdict.
import assert from 'node:assert/strict';
import { startActor } from '../helpers/actor.js';
import { withDatapath, type TestDatapath } from '../helpers/datapath.js';
import { eventually } from '../helpers/kernel-lock.js';
import { withPods } from '../helpers/pods.js';
import type { Where } from '../helpers/program.js';

async function costsNothing(t: TestDatapath, host: string, ofServer: Where, ofClient: Where): Promise<void> {
  // A local pair stands beside it: the iterator has something to walk over, and must see these two sockets only.
  const local = t.start('actor.py', {}, { netns: (ofClient.cgroup ?? ofServer.netns) === undefined ? undefined : ofServer.netns });
  await local.next();
  const server = t.start('serve.py', { host }, ofServer);
  const { port } = await server.next();
  const client = t.start('ask.py', { host, port: port as number }, ofClient);
  await client.next();
  assert.equal(t.pairs().length, 1);
  assert.equal(t.entries('sockets'), 2);
  assert.equal(t.entries('half_open'), 0);
  assert.equal((await t.retirePass('leaving')).tracked, 2);
  assert.equal(t.counters().connections.remote, 1);
  assert.equal(t.counters().connections.redirected, 1);
  assert.deepEqual(Object.values(t.counters().messages).filter((count) => count > 0), []);
  assert.equal(t.counters().tcpInMessages, 0);
  client.say();
  await client.end();
  server.say();
  await server.end();
  local.say('quit');
  await local.end();
  await eventually(() => (t.entries('sockets') === 0 && t.pairs().length === 0 ? '' : 'something is left in the maps'));
}

describe('remote peers', () => {
  it('a server outside the cgroup', () => withDatapath({}, (t) => costsNothing(t, '127.0.0.1', { cgroup: t.newCgroup() }, {})));

  it('a client outside the cgroup', () => withDatapath({}, (t) => costsNothing(t, '127.0.0.1', {}, { cgroup: t.newCgroup() })));

  it('a server in another namespace and outside the cgroup', () => withPods((pods) => withDatapath({}, async (t) => {
    const server = t.start('serve.py', { host: pods.b4 }, { netns: pods.b, cgroup: t.newCgroup() });
    const { port } = await server.next();
    const local = t.start('actor.py', {}, { netns: pods.a });
    await local.next();
    const client = t.start('ask.py', { host: pods.b4, port: port as number }, { netns: pods.a });
    await client.next();
    assert.equal(t.counters().connections.remote, 1);
    assert.equal(t.pairs().length, 1);
    assert.equal(t.entries('half_open'), 0);
    assert.equal((await t.retirePass('leaving')).tracked, 2);
    assert.deepEqual(Object.values(t.counters().messages).filter((count) => count > 0), []);
    for (const program of [client, server]) program.say();
    local.say('quit');
    for (const program of [client, server, local]) await program.end();
  })));

  it('a connection from before the datapath stays as it is (dp-existing-sockets-swept)', () => withDatapath({}, async (t) => {
    t.native.uninstall();
    const actor = await startActor(t);
    t.open();
    await actor.talk();
    await t.native.learnPass();
    await actor.talk();
    assert.deepEqual([t.pairs(), t.entries('sockets'), (await t.retirePass()).tracked], [[], 0, 0]);
    assert.deepEqual(Object.values(t.counters().messages).filter((count) => count > 0), []);
    await actor.quit();
  }));
});
