// SPDX-License-Identifier: Apache-2.0
/** What tests need of the kernel: turns, names of their own, and ways to wait and to clean up. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, readlinkSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findCgroup2 } from '../../agent/datapath/cgroup.js';

const LOCK = '/run/lock/sidestep-kernel.lock';
export const PATIENCE_S = 600;

/** How many times slower than a real machine this one may be: more than 1 on emulated processors. */
export const SLOWNESS = Number(process.env['TEST_SLOWNESS'] ?? 1);

const [major = 0, minor = 0] = release().split('.').map(Number);
const since = (wanted: number, least: number): boolean => major > wanted || (major === wanted && minor >= least);
/** Whether this kernel takes the programs that read by casts. */
export const CASTS = since(6, 2);
/** Whether its programs can end a socket. */
export const ENDS_SOCKETS = since(6, 5);
/** Whether it gives connections that were open before a record. */
export const FINDS = since(6, 12);

export const BPFFS = '/sys/fs/bpf';
export const PREFIX = 'sidestep-test-';


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
export async function takeLock(patienceS = PATIENCE_S): Promise<() => void> {
  const child = spawn('flock', ['--exclusive', '--timeout', String(patienceS), LOCK, 'sh', '-c', 'echo held; exec cat'],
    { stdio: ['pipe', 'pipe', 'inherit'], detached: true });
  const held = await Promise.race([once(child.stdout, 'data').then(() => true), once(child, 'close').then(() => false)]);
  if (!held) throw new Error(`another run still held ${LOCK} after ${patienceS} seconds; it is open in ${holders()}`);
  return () => {
    child.stdin.end();
    child.unref();
  };
}

/** Ours: "sidestep-test-<pid>-...". */
function names(dir: string): string[] {
  return existsSync(dir) ? readdirSync(dir).filter((name) => name.startsWith(PREFIX)) : [];
}

const ownerOf = (name: string): number => Number(name.slice(PREFIX.length).split('-')[0]);
export const alive = (pid: number): boolean => existsSync(`/proc/${pid}`);

export function leftovers(of: (pid: number) => boolean): string[] {
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

export async function remove(path: string): Promise<void> {
  if (path.startsWith(BPFFS)) rmSync(path, { recursive: true, force: true });
  else if (path.startsWith('/run/netns')) spawnSync('ip', ['netns', 'del', path.slice('/run/netns/'.length)]);
  else await removeCgroup(path);
}

export function descriptors(): string[] {
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
  const deadline = Date.now() + withinMs * SLOWNESS;
  for (;;) {
    const complaint = await what();
    if (complaint === '') return;
    if (Date.now() > deadline) assert.fail(complaint);
    await sleep(10);
  }
}

/** What the kernel complained about; nothing where its log may not be read. */
export function kernelComplaints(): string[] {
  const { stdout } = spawnSync('dmesg', [], { encoding: 'utf8' });
  return stdout.split('\n').filter((line) => /WARNING:|BUG:|Oops|general protection|refcount_t|hung task/.test(line));
}

let made = 0;

/** A name that tells whose it is. */
export const freshName = (): string => `${PREFIX}${process.pid}-${++made}`;
