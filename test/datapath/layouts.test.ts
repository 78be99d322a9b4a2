// SPDX-License-Identifier: Apache-2.0
// Two builds with different layouts cross: the newer one takes the host over without hurting a connection, the older one
// refuses and leaves everything as it was.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startActor } from '../helpers/actor.js';
import { bpfObjects, noneSince } from '../helpers/bpf-objects.js';
import { withDatapath, type TestDatapath } from '../helpers/datapath.js';
import { eventually } from '../helpers/kernel-lock.js';
import { buildOtherLayout } from '../helpers/other-layout.js';
import { withNetns } from '../helpers/pods.js';
import type { Program, Report } from '../helpers/program.js';

let older: string;
let newer: string;

/** Another build as the owner of the datapath of `t`, until it is killed. */
function owner(t: TestDatapath, tree: string): Program {
  const options = { ...t.options, objectPath: join(tree, 'bpf/build/sidestep.bpf.o') };
  return t.command([process.execPath, join(tree, 'dist/test/helpers/owner.js'), JSON.stringify(options)], { cgroup: undefined });
}

const opened = async (program: Program): Promise<Report> => program.next();
const words = async (program: Program): Promise<string> => program.lastWords();

describe('another layout', () => {
  before(function build() {
    this.timeout(300_000);
    older = mkdtempSync(join(tmpdir(), 'ss-older-'));
    newer = mkdtempSync(join(tmpdir(), 'ss-newer-'));
    buildOtherLayout(older, -1);
    buildOtherLayout(newer, 1);
  });
  after(() => {
    for (const tree of [older, newer]) rmSync(tree, { recursive: true });
  });

  it('upgrade: new connections are served by the new programs at once; what the old ones enrolled leaves, unhurt, and comes back', () => withNetns((netns) => withDatapath({ trustListeners: true }, async (t) => {
    t.native.uninstall();
    const before = owner(t, older);
    assert.deepEqual(await opened(before), { open: true, tookOver: false });
    const actors = [await startActor(t), await startActor(t, {}, { netns })];
    const load = t.start('load.py', { connections: 8 });
    await load.next();
    for (const actor of actors) await actor.talk(1000);
    await actors[0]!.tell('send c 3000'); // unread when its map is left
    await before.kill();
    t.open();
    assert.equal(t.tookOver, false, 'its maps are another layout');
    assert.deepEqual(readdirSync(t.options.pinPath).sort().map((name) => name.replace(/\d+/, 'N')), ['current', 'draining-N']);
    const fresh = await startActor(t);
    await fresh.talk(1000);
    assert.equal(t.redirected(), 2000);
    let pass = await t.native.drainPass();
    await eventually(async () => {
      pass = await t.native.drainPass();
      return pass.left === 1 || pass.left === 2 ? '' : `${pass.left} are left`;
    }, 10_000);
    assert.equal(pass.layouts, 1);
    await actors[0]!.tell('read s');
    await eventually(async () => ((await t.native.drainPass()).left === 0 ? '' : 'still in the old map'));
    assert.deepEqual(readdirSync(t.options.pinPath), ['current']);
    assert.equal((await t.native.findOpen()).tracked, 10);
    await eventually(async () => {
      for (const actor of actors) await actor.talk(100);
      await t.native.learnPass();
      const states = t.pairs().map(({ state, reason }) => `${state}/${reason}`);
      return states.filter((state) => state === 'active/redirected').length === 11 ? '' : states.join(' ');
    }, 8000);
    await sleep(100);
    load.say();
    await load.end();
    for (const actor of [...actors, fresh]) {
      await actor.talk(5000);
      await actor.quit();
    }
  }))).timeout(60_000);

  it('upgrade: nothing of the old version is left once its sockets have gone', async () => {
    const objects = bpfObjects();
    await withDatapath({}, async (t) => {
      t.native.uninstall();
      const before = owner(t, older);
      await opened(before);
      const actor = await startActor(t);
      await actor.talk(1000);
      await before.kill();
      t.open();
      await actor.talk(1000);
      t.native.uninstall();
      assert.equal(existsSync(t.options.pinPath), false);
      await actor.talk(1000);
      await actor.quit();
      await noneSince(objects);
    });
  }).timeout(40_000);

  it('downgrade: refused in words, and what the newer version serves goes on', () => withDatapath({}, async (t) => {
    t.native.uninstall();
    const before = owner(t, newer);
    await opened(before);
    const actor = await startActor(t);
    await actor.talk(1000);
    await before.kill();
    const objects = bpfObjects();
    assert.throws(() => t.open(), (error: Error & { code: string }) => error.code === 'pins_foreign_layout' && /a newer version made it, with layout \d+; this version has layout \d+/.test(error.message));
    await noneSince(objects);
    await actor.talk(1000);
    const fresh = await startActor(t);
    await fresh.talk(1000);
    const again = owner(t, newer);
    assert.deepEqual(await opened(again), { open: true, tookOver: true });
    await actor.quit();
    await fresh.quit();
    await again.kill();
    // It goes as it came: with its own version.
    const gone = t.command([process.execPath, join(newer, 'dist/test/helpers/owner.js'), JSON.stringify({ ...t.options, objectPath: join(newer, 'bpf/build/sidestep.bpf.o') }), 'uninstall'], { cgroup: undefined });
    assert.match(await words(gone), /^0/);
    t.open();
  })).timeout(40_000);
});
