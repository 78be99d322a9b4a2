// SPDX-License-Identifier: Apache-2.0
/**
 * An agent may die at any instruction. It is killed at every call by which it changes the kernel; the next one must find
 * one datapath, never half of one or two, and no connection may notice (h-half-migrated-map, h-upgrade-duplicates-programs).
 */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { startActor } from '../helpers/actor.js';
import { bpfObjects, newSince, noneSince } from '../helpers/bpf-objects.js';
import { withDatapath, type TestDatapath } from '../helpers/datapath.js';
import { eventually } from '../helpers/kernel-lock.js';
import { callsOf, killedAt } from '../helpers/killed-at.js';

const OWNER = fileURLToPath(new URL('../helpers/owner.js', import.meta.url));

const owner = (t: TestDatapath, ...more: string[]): string[] => [process.execPath, OWNER, JSON.stringify(t.options), ...more];
const kinds = (objects: readonly string[]): string[] => objects.map((object) => object.replace(/ \d+ /, ' ')).sort();

/** Sockets keep the two message programs that they entered with, and these their constants and maps. */
const KEPT = ['prog sidestep_sk_msg', 'prog sidestep_sk_skb', 'map .rodata.mode', 'map programs', 'map waiting'];

/** The objects of one datapath that is open, once nothing of an earlier one is left. */
async function oneSet(before: ReadonlySet<string>, expected: readonly string[]): Promise<void> {
  await eventually(() => {
    const now = kinds(newSince(before));
    return JSON.stringify(now) === JSON.stringify(expected) ? '' : `${now.length} objects instead of ${expected.length}: ${now.join(', ')}`;
  }, 5000);
}

describe('an owner killed at any call', () => {
  it('of its first start: the next one loads everything once, or goes on where it was', async () => {
    const before = bpfObjects();
    await withDatapath({}, async (t) => {
      const fresh = kinds(newSince(before));
      const tookOver = [...fresh, ...KEPT].sort();
      t.native.uninstall();
      const calls = await callsOf(owner(t));
      t.open().uninstall();
      assert.ok(calls.length > 30, `${calls.length} calls`);
      for (const call of calls) {
        await killedAt(call, owner(t));
        const actor = await startActor(t);
        await actor.talk(2000);
        t.open();
        await oneSet(before, t.tookOver ? tookOver : fresh);
        assert.deepEqual(readdirSync(t.options.pinPath), ['current'], JSON.stringify(call));
        await actor.talk(2000);
        // A datapath that was complete had this connection in it, and has kept it.
        assert.equal(t.pairs().length, t.tookOver ? 1 : 0, JSON.stringify(call));
        await actor.quit();
        t.native.uninstall();
      }
      t.open();
    });
    await noneSince(before);
  }).timeout(180_000);

  it('of a take-over: maps, counters and pairs go on, and nothing is there twice', async () => {
    const before = bpfObjects();
    await withDatapath({}, async (t) => {
      const expected = [...kinds(newSince(before)), ...KEPT].sort();
      const actor = await startActor(t);
      await actor.talk(500);
      t.native.close();
      const calls = await callsOf(owner(t));
      assert.ok(calls.length > 15, `${calls.length} calls`);
      for (const call of calls) {
        await killedAt(call, owner(t));
        await actor.talk(500);
        t.open();
        assert.equal(t.tookOver, true, JSON.stringify(call));
        await oneSet(before, expected);
        assert.deepEqual(t.pairs().map(({ state }) => state), ['active']);
        const redirected = t.redirected();
        await actor.talk(500);
        assert.equal(t.redirected(), redirected + 1000, JSON.stringify(call));
        t.native.close();
      }
      t.open();
      assert.equal(t.redirected(), 1000 + calls.length * 2000, 'every byte was redirected and counted');
      await actor.quit();
    });
    await noneSince(before);
  }).timeout(180_000);

  it('of an uninstall: what it left is recognised, and no connection is hurt', async () => {
    const before = bpfObjects();
    await withDatapath({}, async (t) => {
      const expected = kinds(newSince(before));
      t.native.close();
      const opening = (await callsOf(owner(t))).length;
      const calls = (await callsOf(owner(t, 'uninstall'))).slice(opening);
      assert.ok(calls.length > 10, `${calls.length} calls`);
      for (const call of calls) {
        t.open();
        const actor = await startActor(t);
        await actor.talk(1000);
        t.native.close();
        await killedAt(call, owner(t, 'uninstall'));
        await actor.talk(1000);
        t.open();
        await actor.talk(1000);
        await actor.quit();
        await oneSet(before, expected);
        assert.deepEqual(readdirSync(t.options.pinPath), ['current'], JSON.stringify(call));
        await t.run('random_sizes.py', { rounds: 3 });
        assert.ok(t.redirected() > 0);
        t.native.close();
      }
      t.open();
    });
    await noneSince(before);
  }).timeout(180_000);
});
