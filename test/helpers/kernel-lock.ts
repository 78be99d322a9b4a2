// SPDX-License-Identifier: Apache-2.0
/**
 * Tests that attach programs take turns, on the whole machine: root hooks hold the lock for this mocha process, remove
 * what a killed run left, and fail when this run leaves anything. Importing this file is enough.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, readlinkSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before } from 'mocha';
import { findCgroup2 } from '../../agent/datapath/cgroup.js';

const LOCK = '/run/lock/sidestep-kernel.lock';
const PATIENCE_S = 120;
export const BPFFS = '/sys/fs/bpf';
export const PREFIX = 'sidestep-test-';

let holder: ChildProcess | undefined;
let descriptorsAtStart: string[] = [];
let complaintsAtStart: string[] = [];

/** /proc/locks names the process that took it, which may have gone; what counts is who has it open. */
function holders(): string {
  const lists = (pid: string): boolean => {
    try {
      return readdirSync(`/proc/${pid}/fd`).some((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`) === LOCK);
    } catch {
      return false;
    }
  };
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && lists(name));
  return pids.map((pid) => `${pid} (${readFileSync(`/proc/${pid}/comm`, 'utf8').trim()})`).join(', ');
}

/** flock(1) holds it for as long as its standard input is open: a killed run gives it back. */
async function takeLock(): Promise<void> {
  const child = spawn('flock', ['--exclusive', '--timeout', String(PATIENCE_S), LOCK, 'sh', '-c', 'echo held; exec cat'],
    { stdio: ['pipe', 'pipe', 'inherit'], detached: true });
  const held = await Promise.race([once(child.stdout, 'data').then(() => true), once(child, 'close').then(() => false)]);
  if (!held) throw new Error(`another run still held ${LOCK} after ${PATIENCE_S} seconds; it is open in ${holders()}`);
  holder = child;
}

/** Ours: "sidestep-test-<pid>-...". */
function names(dir: string): string[] {
  return existsSync(dir) ? readdirSync(dir).filter((name) => name.startsWith(PREFIX)) : [];
}

const ownerOf = (name: string): number => Number(name.slice(PREFIX.length).split('-')[0]);
const alive = (pid: number): boolean => existsSync(`/proc/${pid}`);

function leftovers(of: (pid: number) => boolean): string[] {
  return [findCgroup2(), BPFFS, '/run/netns']
    .flatMap((dir) => names(dir).filter((name) => of(ownerOf(name))).map((name) => join(dir, name)));
}

export async function removeCgroup(path: string): Promise<void> {
  for (let tries = 0; existsSync(path); tries++) {
    try {
      writeFileSync(join(path, 'cgroup.kill'), '1');
      for (const inner of readdirSync(path, { withFileTypes: true })) {
        if (inner.isDirectory()) await removeCgroup(join(path, inner.name));
      }
      rmdirSync(path);
    } catch (error) {
      if (tries > 100) throw error;
      await sleep(20);
    }
  }
}

async function remove(path: string): Promise<void> {
  if (path.startsWith(BPFFS)) rmSync(path, { recursive: true, force: true });
  else if (path.startsWith('/run/netns')) spawnSync('ip', ['netns', 'del', path.slice('/run/netns/'.length)]);
  else await removeCgroup(path);
}

function descriptors(): string[] {
  return readdirSync('/proc/self/fd').map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).replace(/\[\d+\]/, '');
    } catch {
      return ''; // the directory that is being read
    }
  }).filter((target) => target !== '' && !target.startsWith('/proc/')).sort();
}

/** Waits until `what` holds, or fails with what it last said. '' means that it holds. */
export async function eventually(what: () => string | Promise<string>, withinMs = 3000): Promise<void> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const complaint = await what();
    if (complaint === '') return;
    if (Date.now() > deadline) assert.fail(complaint);
    await sleep(10);
  }
}

/** What the kernel complained about; nothing where its log may not be read. */
function kernelComplaints(): string[] {
  const { stdout } = spawnSync('dmesg', [], { encoding: 'utf8' });
  return stdout.split('\n').filter((line) => /WARNING:|BUG:|Oops|general protection|refcount_t|hung task/.test(line));
}

before(async function takeTheTurn() {
  this.timeout((PATIENCE_S + 10) * 1000);
  await takeLock();
  for (const path of leftovers((pid) => !alive(pid))) await remove(path);
  descriptorsAtStart = descriptors();
  complaintsAtStart = kernelComplaints();
});

after(async function leaveNothing() {
  try {
    if (holder === undefined) return;
    assert.deepEqual(leftovers((pid) => pid === process.pid), []);
    await eventually(() => {
      const now = descriptors();
      return now.length <= descriptorsAtStart.length ? '' : `descriptors grew: ${descriptorsAtStart.join(' ')} -> ${now.join(' ')}`;
    });
    assert.deepEqual(kernelComplaints(), complaintsAtStart);
  } finally {
    holder?.stdin?.end();
    holder?.unref();
  }
});
