import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, it } from 'mocha';
import { readProfiles } from '../../../agent/guard/file.js';
import { ProfileStore } from '../../../agent/guard/store.js';
import { folder } from '../../helpers/folder.js';
import { eventually } from '../../helpers/kernel.js';
import { keptLog } from '../../helpers/log.js';
import { built } from '../../helpers/run.js';
import { known } from './made-up.js';

const open = (dir: string, delayMs = 1): { store: ProfileStore; lines: string[] } => {
  const { log, lines } = keptLog();
  const store = new ProfileStore({ dir, log, delayMs });
  store.load();
  return { store, get lines() { return lines.map(({ msg }) => msg); } };
};
const numbered = (number: number) => known({ name: `program-${number}` });

describe('the store of profiles', () => {
  it('gives to the next one what the last one kept, in a directory of its own that is closed to others', async () => {
    const dir = join(folder(), 'var', 'state');
    const first = open(dir).store;
    first.put(known());
    await first.flush();
    assert.equal(statSync(dir).mode & 0o777, 0o700);
    assert.equal(statSync(join(dir, 'profiles.json')).mode & 0o777, 0o600);
    const { store, lines } = open(dir);
    assert.deepEqual([store.all(), lines], [[known()], []]);
    assert.deepEqual(readdirSync(dir), ['profiles.json']);
  });

  it('saves by itself, a bounded number of times however much changes', async () => {
    const dir = folder();
    const { store } = open(dir, 100);
    const inodes = new Set<number>();
    const began = performance.now();
    for (let i = 0; i < 50; i++) {
      store.put(numbered(i));
      await sleep(10);
      if (existsSync(join(dir, 'profiles.json'))) inodes.add(statSync(join(dir, 'profiles.json')).ino);
    }
    const took = performance.now() - began;
    await eventually(() => (open(dir).store.all().length === 50 ? '' : 'the last ones are not saved'));
    assert.ok(inodes.size >= 2 && inodes.size <= took / 100 + 2, `${inodes.size} files in ${took} ms`);
  });

  it('is never seen half-written: whoever reads at any moment gets a whole file', async () => {
    const dir = folder();
    const { store } = open(dir, 0);
    const state = { done: false };
    const write = async (): Promise<void> => {
      for (let i = 0; i < 60; i++) {
        store.put(numbered(i));
        await store.flush();
      }
      state.done = true;
    };
    const writing = write();
    let reads = 0;
    while (!state.done) {
      if (existsSync(join(dir, 'profiles.json'))) {
        readProfiles(readFileSync(join(dir, 'profiles.json'), 'utf8'), 'x');
        reads++;
      }
      await sleep(1);
    }
    await writing;
    assert.ok(reads > 5);
  });

  it('survives a death at any moment: what is there afterwards is whole', async function () {
    this.timeout(60_000);
    const dir = folder();
    const script = `
      const { ProfileStore } = await import(${JSON.stringify(built('agent/guard/store.js'))});
      const { known } = await import(${JSON.stringify(built('test/unit/guard/made-up.js'))});
      const store = new ProfileStore({ dir: ${JSON.stringify(dir)}, log: { warn() {} }, delayMs: 0 });
      store.load();
      for (let i = 0; ; i++) { store.put(known({ name: 'p' + i % 900 })); await store.flush(); if (i === 20) console.log('on'); }
    `;
    let most = 0;
    for (const ms of [1, 3, 7, 12, 20]) {
      const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
      await once(child.stdout, 'data');
      await sleep(ms);
      child.kill('SIGKILL');
      await once(child, 'close');
      const { store, lines } = open(dir);
      assert.deepEqual(lines, []);
      assert.ok(store.all().length >= most, 'nothing that was kept is lost');
      most = store.all().length;
    }
    assert.ok(most > 0);
  });

  for (const [what, content] of [
    ['cut', '{"format": "sidestep-profiles", "ver'], ['damaged', '\0\0\0\0'], ['empty', ''],
    ['of another version', '{"format": "sidestep-profiles", "version": 2, "profiles": []}'], ['of somebody else', '{"profiles": 7}'],
  ] as const) {
    it(`sets a file aside that is ${what}, says so once, and goes on with nothing`, async () => {
      const dir = folder();
      writeFileSync(join(dir, 'profiles.json'), content);
      writeFileSync(join(dir, 'profiles.json.bad'), 'of an earlier accident');
      const { store, lines } = open(dir);
      assert.deepEqual([store.all(), lines], [[], ['the profiles of before cannot be used; everything is learned anew']]);
      assert.equal(readFileSync(join(dir, 'profiles.json.bad'), 'utf8'), content);
      store.put(known());
      await store.flush();
      assert.equal(open(dir).store.all().length, 1);
    });
  }

  it('ignores what a death left beside the file', () => {
    const dir = folder();
    writeFileSync(join(dir, 'profiles.json.new'), '{"for');
    assert.deepEqual(open(dir).lines, []);
  });

  it('that cannot write says so once, goes on, and says no more once it can', async () => {
    const dir = join(folder(), 'state');
    writeFileSync(dir, 'a file where a directory should be');
    const view = open(dir);
    for (let i = 0; i < 3; i++) {
      view.store.put(numbered(i));
      await view.store.flush();
    }
    assert.deepEqual(view.lines, ['profiles do not outlive the agent']);
    assert.match(view.store.problem, /cannot be (read|written): .*(ENOTDIR|EEXIST)/);
    execFileSync('rm', [dir]);
    await view.store.flush();
    assert.deepEqual([view.store.problem, open(dir).store.all().length], ['', 3]);
  });

  it('that is a link to nowhere is an error like any other', async () => {
    const dir = folder();
    mkdirSync(join(dir, 'state'));
    symlinkSync('/proc/nowhere/profiles', join(dir, 'state', 'profiles.json.new'));
    const view = open(join(dir, 'state'));
    view.store.put(known());
    await view.store.flush();
    assert.deepEqual(view.lines, ['profiles do not outlive the agent']);
  });

  it('keeps the latest when there are too many', () => {
    const { store } = open(folder(), 60_000);
    for (let i = 0; i < 4100; i++) store.put({ ...numbered(i), seen: new Date(i * 1000).toISOString() });
    assert.equal(store.all().length, 4096);
    assert.ok(!store.all().some(({ name }) => name === 'program-3'));
  });
});
