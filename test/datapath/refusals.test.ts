// SPDX-License-Identifier: Apache-2.0
// What cannot be served safely stays on TCP, and counters, events and pairs name the same reason.
import assert from 'node:assert/strict';
import type { ReasonName } from '../../agent/datapath/reasons.js';
import { withDatapath, type TestDatapath } from '../helpers/datapath.js';
import { eventually } from '../helpers/kernel-lock.js';
import { withNetns } from '../helpers/pods.js';

/** One connection of this kind exchanges bytes and is refused up front. */
async function refused(t: TestDatapath, kind: string, reason: ReasonName): Promise<void> {
  const actor = t.start('actor.py', { kind });
  await actor.next();
  for (const line of ['send c 5000', 'read s', 'send s 3000', 'read c']) {
    actor.say(line);
    await actor.next();
  }
  assert.deepEqual(t.pairs().map((pair) => [pair.state, pair.reason]), [['tcp', reason]]);
  assert.equal(t.counters().connections[reason], 1);
  await t.events_('refused', reason);
  assert.equal(t.entries('sockets'), 0);
  const { clientSent, serverSent } = t.pairs()[0]!;
  assert.deepEqual([clientSent.passedBytes, serverSent.passedBytes], [5000, 3000], 'what TCP carried is seen');
  actor.say('quit');
  await actor.end();
  assert.deepEqual(Object.values(t.counters().messages).filter((count) => count > 0), [], 'no verdict was asked');
}

describe('refusals', () => {
  it('a blocking client', () => withDatapath({}, (t) => refused(t, 'blocking_client', 'blocking')));
  it('a blocking listener', () => withDatapath({}, (t) => refused(t, 'blocking_listener', 'blocking')));
  it('observe mode sees and enrols nothing', () => withDatapath({ observe: true }, (t) => refused(t, 'plain', 'observed')));

  it('Multipath TCP', () => withDatapath({}, async (t) => {
    const actor = t.start('actor.py', { kind: 'mptcp' });
    await actor.next();
    for (const line of ['send c 5000', 'read s', 'send s 3000', 'read c']) {
      actor.say(line);
      await actor.next();
    }
    assert.deepEqual(t.pairs().map((pair) => [pair.state, pair.reason]), [['tcp', 'mptcp']]);
    assert.equal(t.counters().connections.mptcp, 1);
    await t.events_('refused', 'mptcp');
    assert.equal(t.entries('sockets'), 0);
    actor.say('quit');
    await actor.end();
  }));

  it('a blocking child of a non-blocking listener leaves, and the listener is not trusted again', () => withDatapath({}, async (t) => {
    const actor = t.start('actor.py', { kind: 'blocking_child' });
    await actor.next();
    const tell = async (line: string): Promise<void> => {
      actor.say(line);
      await actor.next();
    };
    await tell('send c 100');
    await tell('read s');
    assert.equal(t.pairs()[0]?.state, 'active', 'it may still become non-blocking');
    await new Promise((done) => setTimeout(done, 150));
    await tell('send c 100');
    await tell('read s');
    await t.events_('fallback', 'blocking');
    assert.deepEqual(t.pairs().map((pair) => [pair.state, pair.reason]), [['leaving', 'blocking']]);
    await eventually(async () => ((await t.retirePass('leaving')).left === 0 ? '' : 'still in the map'));
    assert.deepEqual(t.pairs().map((pair) => [pair.state, pair.reason]), [['tcp', 'blocking']]);
    await tell('send c 100');
    await tell('read s');
    assert.equal(t.redirected(), 0);
    await tell('open');
    await t.events_('refused', 'blocking');
    assert.equal(t.entries('sockets'), 0);
    actor.say('quit');
    await actor.end();
  }));

  it('a listener of which nothing is known yet is watched first, then its connection is adopted', () => withDatapath({ trustListeners: false }, async (t) => {
    const actor = t.start('actor.py');
    await actor.next();
    await t.events_('refused', 'learning');
    assert.deepEqual(t.pairs().map((pair) => [pair.state, pair.reason]), [['tcp', 'learning']]);
    await eventually(async () => ((await t.native.learnPass()) === 0 ? '' : 'still undecided'));
    assert.deepEqual(t.pairs().map((pair) => [pair.state, pair.reason]), [['active', 'redirected']]);
    for (const line of ['send c 5000', 'read s', 'send s 3000', 'read c', 'open', 'send c 5000', 'read s']) {
      actor.say(line);
      await actor.next();
    }
    assert.equal(t.redirected(), 13_000);
    assert.equal(t.counters().connections.redirected, 2);
    actor.say('quit');
    await actor.end();
  }));

  it('disabled: no pair, no socket, no verdict', () => withDatapath({ enabled: false }, async (t) => {
    await t.run('random_sizes.py', { rounds: 5 });
    assert.ok(t.counters().connections.disabled > 0);
    assert.deepEqual([t.pairs(), t.entries('sockets'), t.entries('half_open')], [[], 0, 0]);
    assert.deepEqual(Object.values(t.counters().messages).filter((count) => count > 0), []);
  }));

  it('disabled in the middle: pairs pass and stay; enabled again: they are redirected again', () => withDatapath({}, async (t) => {
    const actor = t.start('actor.py');
    await actor.next();
    for (const [enabled, redirected, disabled] of [[true, 1000, 0], [false, 1000, 1000], [true, 2000, 1000]] as const) {
      t.settings({ enabled });
      for (const line of ['send c 1000', 'read s']) {
        actor.say(line);
        await actor.next();
      }
      assert.deepEqual([t.redirected(), t.counters().bytes.disabled], [redirected, disabled]);
    }
    actor.say('quit');
    await actor.end();
  }));

  it('TCP Fast Open', () => withNetns(async (netns) => withDatapath({}, async (t) => {
    await t.command(['sysctl', '-qw', 'net.ipv4.tcp_fastopen=3'], { netns }).end();
    const { with_syn } = await t.run('fast_open.py', {}, { netns });
    assert.equal(with_syn, true, 'the last connections sent bytes with their SYN');
    assert.ok(t.counters().connections.fast_open >= 1);
    await t.events_('refused', 'fast_open');
  })));

  it('kernel TLS: its bytes are never redirected (dp-ktls-plaintext-redirect)', () => withDatapath({}, async (t) => {
    const { error } = await t.run('ktls.py');
    // This kernel may not have the module; then the socket goes on as it was.
    if (error === '') assert.ok(t.counters().messages.ulp > 0);
    else assert.deepEqual([error, t.redirected()], ['ENOENT', 1002]);
  }));

  for (const maxPairs of [1, 2, 3]) {
    it(`a full map of ${maxPairs}: the rest stays on TCP, whole (dp-map-full-one-sided)`, () => withDatapath({ maxPairs }, async (t) => {
      const crowd = t.start('crowd.py', { connections: 6 });
      const { bytes } = await crowd.next();
      assert.equal(t.counters().connections.map_full, 6 - maxPairs);
      assert.equal(t.counters().connections.redirected, maxPairs);
      await t.events_('refused', 'map_full', 6 - maxPairs);
      assert.equal(t.entries('sockets'), 2 * maxPairs, 'no end without its partner');
      assert.ok(t.redirected() > 0 && t.redirected() <= (bytes / 6) * maxPairs);
      crowd.say();
      await crowd.end();
    }));
  }
});
