/**
 * The behavioural self-test: before any socket of the host is touched, throw-away sockets in a throw-away cgroup show
 * what this kernel does. The mode is decided by what was seen, never by a version number.
 */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { accessSync, constants, existsSync, readdirSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { native, objectPath, selfTestPath, type NativeError } from '../../native/index.js';
import { ownCgroup } from './cgroup.js';
import { claim, claimIfAbandoned } from './claim.js';
import { SidestepError } from '../errors.js';
import { translate } from './translate.js';
import type { Counters, ServingMode } from './types.js';

/** Longest time one run of the test program may take, milliseconds. */
const RUN_MS = 35_000;

const CGROUP_PREFIX = 'sidestep-selftest-';
const PINS_INFIX = '-selftest-';

export interface SelfTestStep {
  /** Claim that was tried; checks.ts says what each one shows. */
  test: string;
  ok: boolean;
  detail: string;
}

export interface SelfTestResult {
  mode: ServingMode;
  steps: SelfTestStep[];
  /** Messages that really went around TCP during the test: without them nothing was proven. */
  redirected: number;
  /** Connections that were refused because their program asks with FIONREAD: mode split must find it out. */
  foundOut: number;
  ok: boolean;
}

/** The agent's own cgroup where it may make one below it, as a service with Delegate= may; the root needs more. */
function parentOf(root: string): string {
  const own = ownCgroup(root);
  try {
    accessSync(own, constants.W_OK | constants.X_OK);
    return own;
  } catch {
    return root;
  }
}

/** What an agent that was killed during its self-test left: pins that keep its programs loaded, and a cgroup. */
async function removeStale(root: string, pinPath: string): Promise<void> {
  const named = (dir: string, prefix: string): string[] => readdirSync(dir).filter((name) => name.startsWith(prefix)).map((name) => join(dir, name));
  for (const path of [...named(dirname(pinPath), `${basename(pinPath)}${PINS_INFIX}`), ...named(root, CGROUP_PREFIX)]) {
    const release = claimIfAbandoned(path);
    if (!release) continue;
    if (path.startsWith(root)) await removeCgroup(path);
    else rmSync(path, { recursive: true });
    release();
  }
}

/** Its processes die with it: a self-test that was killed leaves one that may run on for a while. */
async function removeCgroup(path: string): Promise<void> {
  for (let tries = 0; tries < 50; tries++) {
    try {
      rmdirSync(path);
      return;
    } catch {
      const kill = join(path, 'cgroup.kill');
      if (existsSync(kill)) writeFileSync(kill, '1');
      await sleep(20);
    }
  }
}

export async function runSelfTest(cgroupRoot: string, pinPath: string, mode: ServingMode): Promise<SelfTestResult> {
  const parent = parentOf(cgroupRoot);
  await removeStale(parent, pinPath);
  const cgroup = join(parent, `${CGROUP_PREFIX}${randomUUID()}`);
  const pins = join(dirname(pinPath), `${basename(pinPath)}${PINS_INFIX}${randomUUID()}`);
  const releases: (() => void)[] = [];
  try {
    for (const path of [pins, cgroup]) releases.push(claim(path));
    const datapath = new native.NativeDatapath({
      objectPath: objectPath(), cgroupPath: cgroup, pinPath: pins,
      unified: mode === 'unified', enabled: true, observe: false, trustListeners: true, maxPairs: 64, maxHalfOpen: 64, maxListeners: 64, maxEdges: 16,
      queueBytes: 262_144, eventBuffer: 65_536, tellAll: false, verifierLog: false, queueWait: false, scope: [], windowMs: 0, windowConnections: 1, windowBytes: 0,
      streamMessages: 0, streamNs: 0, streamBytes: 0, stayMs: 0, briefTurns: 0, follow: 1, refreshMs: 0,
    });
    try {
      const { stdout } = await promisify(execFile)(selfTestPath, [join(cgroup, 'cgroup.procs'), mode], { timeout: RUN_MS });
      const steps = stdout.trim().split('\n').map((line) => JSON.parse(line) as SelfTestStep);
      const { messages, connections } = datapath.counters() as Counters;
      const proof = { redirected: messages.redirected, foundOut: connections.fionread };
      const proven = proof.redirected > 0 && (mode === 'unified' || proof.foundOut > 0);
      return { mode, steps, ...proof, ok: proven && steps.every((step) => step.ok) };
    } finally {
      datapath.uninstall();
    }
  } catch (error) {
    // A hook that this kernel lacks is what such a test is there to find.
    const { code, message } = error as NativeError;
    if (code === 'attach_failed') return { mode, steps: [{ test: 'attach', ok: false, detail: message }], redirected: 0, foundOut: 0, ok: false };
    const refused = error instanceof Error && 'syscall' in error && error.syscall === 'mkdir';
    throw refused ? new SidestepError('kernel_refused', 'a place for the self-test', error) : translate(error);
  } finally {
    if (existsSync(cgroup)) await removeCgroup(cgroup);
    rmSync(pins, { recursive: true, force: true });
    for (const release of releases) release();
  }
}

export function failuresOf(result: SelfTestResult): string {
  const failed = result.steps.filter((step) => !step.ok).map((step) => `${step.test} (${step.detail})`);
  if (result.redirected === 0) failed.unshift('redirect (no message went around TCP)');
  else if (result.mode === 'split' && result.foundOut === 0) failed.push('fionread_guard (a program that asks with FIONREAD was not found out)');
  return failed.join(', ');
}
