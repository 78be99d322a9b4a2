// SPDX-License-Identifier: Apache-2.0
// Mode split, with the bound that the agent sets: for kernels whose FIONREAD does not count what went around TCP.
import assert from 'node:assert/strict';
import { startActor } from '../helpers/actor.js';
import { withDatapath, type TestDatapath } from '../helpers/datapath.js';
import { eventually } from '../helpers/kernel-lock.js';
import { selfTest } from '../helpers/serves.js';

const BOUND = 1024;
const inSplit = (test: (t: TestDatapath) => Promise<void>): Promise<void> => withDatapath({ unified: false, splitBytes: BOUND }, test);
const programs = (t: TestDatapath): string[] => (t.native.info()['programs'] as { name: string }[]).map(({ name }) => name);

describe('mode split', () => {
  it('passes its self-test on every kernel that is served at all', async () => {
    const { ok, steps, redirected, foundOut } = await selfTest('split');
    assert.equal(ok, true, JSON.stringify(steps));
    assert.ok(redirected > 0 && foundOut > 0);
  });

  it('what one read takes goes around TCP, what it may not take does not', () => inSplit(async (t) => {
    const actor = await startActor(t);
    await actor.talk(BOUND);
    assert.deepEqual([t.redirected(), t.counters().bytes.fionread], [2 * BOUND, 0]);
    await actor.talk(BOUND + 1);
    assert.deepEqual([t.redirected(), t.counters().bytes.fionread], [2 * BOUND, 2 * BOUND + 2]);
    await actor.talk(BOUND);
    assert.equal(t.redirected(), 4 * BOUND);
    await actor.tell('send c 600');
    await actor.tell('send c 600');
    await actor.tell('read s');
    assert.deepEqual([t.redirected(), t.counters().bytes.fionread], [4 * BOUND + 600, 2 * BOUND + 602]);
    await actor.quit();
  }));

  it('a program that asks with FIONREAD is found out: its connection leaves, its next ones stay on TCP, where every count is right (dp-fionread-zero-redirected)',
    () => inSplit(async (t) => {
      await t.run('counts.py', { case: 'found_out' });
      await t.events_('fallback', 'fionread');
      const { fionread, redirected } = t.counters().connections;
      assert.deepEqual([redirected, fionread], [1, 6]);
    }));

  it('that connection leaves the map, and goes on over TCP', () => inSplit(async (t) => {
    const program = t.start('asks.py');
    await program.next();
    await t.events_('fallback', 'fionread');
    await eventually(async () => ((await t.retirePass('leaving')).left === 0 ? '' : 'still in the map'));
    assert.deepEqual(t.pairs().map((pair) => `${pair.state} ${pair.reason}`), ['tcp fionread']);
    program.say();
    await program.end();
  }));

  it('both hooks on ioctl find it out; the one that costs nothing is taken where it can be attached', () => inSplit((t) => {
    const [hook] = programs(t).filter((name) => name.startsWith('sidestep_ioctl'));
    assert.ok(hook === 'sidestep_ioctl' || hook === 'sidestep_ioctl_call', hook);
    assert.ok(!programs(t).includes('sidestep_sk_skb'));
    return Promise.resolve();
  }));

  it('one that takes over keeps the mode', () => inSplit((t) => {
    t.native.close();
    t.open({ unified: true });
    assert.equal(t.tookOver, true);
    assert.equal(t.native.info()['unified'], false);
    return Promise.resolve();
  }));
});
