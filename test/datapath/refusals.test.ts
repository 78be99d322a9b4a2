// SPDX-License-Identifier: Apache-2.0
// What cannot be served safely stays on TCP, and counters, events and pairs name the same reason.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ReasonName } from '../../agent/datapath/reasons.js';
import { startActor } from '../helpers/actor.js';
import { withDatapath, type TestDatapath } from '../helpers/datapath.js';
import { SLOWNESS } from '../helpers/kernel.js';
import { eventually } from '../helpers/kernel-lock.js';
import { withNetns } from '../helpers/pods.js';

const states = (t: TestDatapath): string[] => t.pairs().map((pair) => `${pair.state} ${pair.reason}`);

/** One connection of this kind exchanges bytes and is refused up front. */
async function refused(t: TestDatapath, kind: string, reason: ReasonName, verdicts: readonly number[] = []): Promise<void> {
  const actor = await startActor(t, { kind });
  await actor.talk(5000);
  assert.deepEqual(states(t), [`tcp ${reason}`]);
  assert.equal(t.counters().connections[reason], 1);
  await t.events_('refused', reason);
  assert.equal(t.entries('sockets'), 0);
  await actor.quit();
  assert.deepEqual(Object.values(t.counters().messages).filter((count) => count > 0), verdicts, 'no verdict was asked');
}

describe('refusals', () => {
  it('a blocking client', () => withDatapath({}, (t) => refused(t, 'blocking_client', 'blocking')));
  it('a blocking listener', () => withDatapath({}, (t) => refused(t, 'blocking_listener', 'blocking')));
  it('observe mode sees and enrols nothing', () => withDatapath({ observe: true }, (t) => refused(t, 'plain', 'observed', [2])));

  it('Multipath TCP', () => withDatapath({}, (t) => refused(t, 'mptcp', 'mptcp')));

  it('a blocking child of a listener that was trusted leaves the map', () => withDatapath({ trustListeners: true }, async (t) => {
    const actor = await startActor(t, { kind: 'blocking_child' });
    await actor.talk(100);
    // For 100 ms it may still become non-blocking; an emulated processor takes longer than that to talk.
    assert.ok(t.pairs()[0]?.state === 'active' || SLOWNESS > 1, t.pairs()[0]?.state);
    await sleep(150);
    await actor.talk(100);
    await t.events_('fallback', 'blocking');
    assert.deepEqual(states(t), ['leaving blocking']);
    await eventually(async () => ((await t.retirePass('leaving')).left === 0 ? '' : 'still in the map'));
    assert.deepEqual(states(t), ['tcp blocking']);
    await actor.talk(100);
    assert.equal(t.redirected(), 0);
    assert.ok(t.counters().messages.blocking > 0);
    await actor.quit();
  }));

  it('a blocking child of a listener that is watched never enters the map, nor does the next one', () => withDatapath({ trustListeners: false }, async (t) => {
    const actor = await startActor(t, { kind: 'blocking_child' });
    for (let connection = 1; connection <= 2; connection++) {
      assert.deepEqual(states(t).filter((state) => state === 'tcp learning'), ['tcp learning']);
      await actor.talk(100);
      await sleep(150);
      await actor.talk(100);
      await t.events_('refused', 'blocking', connection);
      assert.equal(await t.native.learnPass(), 0);
      assert.equal(t.counters().connections.blocking, connection);
      assert.equal(t.entries('sockets'), 0);
      await actor.tell('open');
    }
    assert.deepEqual(Object.values(t.counters().messages).filter((count) => count > 0), []);
    await actor.quit();
  }));

  it('ends of which nothing is known yet are watched first, then their connection is adopted', () => withDatapath({ trustListeners: false }, async (t) => {
    const actor = await startActor(t);
    await t.events_('refused', 'learning');
    assert.deepEqual(states(t), ['tcp learning']);
    await actor.talk(100);
    await eventually(async () => ((await t.native.learnPass()) === 0 ? '' : 'still undecided'));
    assert.deepEqual(states(t), ['active redirected']);
    await actor.talk(5000);
    assert.equal(t.redirected(), 10_000);
    // There is no agent here that would look at the program first: its time must be over.
    await sleep(300);
    await actor.tell('open');
    await actor.talk(5000);
    assert.equal(t.redirected(), 20_000, 'the next one is enrolled at once');
    assert.equal(t.counters().connections.redirected, 2);
    await actor.quit();
  }));

  it('disabled: no pair, no socket, no verdict', () => withDatapath({ enabled: false }, async (t) => {
    await t.run('random_sizes.py', { rounds: 5 });
    assert.ok(t.counters().connections.disabled > 0);
    assert.deepEqual([t.pairs(), t.entries('sockets'), t.entries('half_open')], [[], 0, 0]);
    assert.deepEqual(Object.values(t.counters().messages).filter((count) => count > 0), []);
  }));

  it('disabled in the middle: pairs pass at once and leave; enabled again: they come back and are redirected', () => withDatapath({}, async (t) => {
    const actor = await startActor(t);
    for (const [enabled, redirected, disabled] of [[true, 1000, 0], [false, 1000, 1000], [true, 2000, 1000]] as const) {
      t.settings({ enabled });
      if (enabled) await eventually(async () => ((await t.native.learnPass()) === 0 ? '' : 'still undecided'));
      else assert.deepEqual(states(t), ['leaving disabled']);
      await actor.tell('send c 1000');
      await actor.tell('read s');
      assert.deepEqual([t.redirected(), t.counters().bytes.disabled], [redirected, disabled]);
      if (enabled) continue;
      await eventually(async () => ((await t.retirePass('leaving')).left === 0 ? '' : 'still in the map'));
      assert.deepEqual(states(t), ['tcp disabled']);
    }
    await actor.quit();
  }));

  for (const option of ['zerocopy', 'rcvlowat']) {
    it(`an end that has set ${option}, which keeps what it promises`, () => withDatapath({}, async (t) => {
      const { right } = await t.run('wants_tcp.py', { option });
      assert.equal(right, true);
      assert.equal(t.counters().connections.socket_option, 1);
      assert.equal(t.redirected(), 0);
    }));
  }

  it('TCP Fast Open', () => withNetns(async (netns) => withDatapath({}, async (t) => {
    await t.command(['sysctl', '-qw', 'net.ipv4.tcp_fastopen=3'], { netns }).end();
    const { with_syn } = await t.run('fast_open.py', {}, { netns });
    assert.equal(with_syn, true, 'the last connections sent bytes with their SYN');
    // The first asked for its cookie; with bytes in the SYN the server's end is established first, so no pair is made.
    const { fast_open, redirected } = t.counters().connections;
    assert.deepEqual({ fast_open, redirected }, { fast_open: 3, redirected: 0 });
    await t.events_('refused', 'fast_open');
    assert.equal(t.entries('sockets'), 0);
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
