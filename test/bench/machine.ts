// SPDX-License-Identifier: Apache-2.0
/** What the figures were measured on, and the one thing of it that is held while they are. */
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { version } from '../../agent/version.js';

const said = (command: string, ...args: string[]): string => {
  try {
    return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).split('\n')[0] ?? '';
  } catch {
    return 'not installed';
  }
};

export interface Machine {
  readonly sidestep: string;
  readonly commit: string;
  readonly kernel: string;
  readonly cpu: string;
  readonly cpus: number;
  readonly memoryGiB: number;
  readonly node: string;
  readonly programs: Readonly<Record<string, string>>;
  /** Of the host before the first sample: 1 minute, 5, 15. */
  readonly load: string;
}

export function describeMachine(): Machine {
  return {
    sidestep: version,
    commit: said('git', 'describe', '--always', '--dirty'),
    kernel: release(),
    cpu: cpus()[0]?.model ?? 'unknown',
    cpus: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.versions.node,
    programs: {
      redis: said('redis-server', '--version'), memcached: said('memcached', '--version'),
      haproxy: said('haproxy', '-v'), pgbench: said('pgbench', '--version'),
    },
    load: readFileSync('/proc/loadavg', 'utf8').split(' ').slice(0, 3).join(' '),
  };
}

/** Time that the hypervisor took, in ticks of all CPUs: of a sample with much of it nothing is known. */
export function stolen(): number {
  return Number(readFileSync('/proc/stat', 'utf8').split('\n')[0]?.trim().split(/\s+/)[8] ?? 0);
}

/** Idle CPUs poll instead of halting, until the answer is called: else a wake-up measures the hypervisor. */
export function idlePoll(): () => void {
  try {
    const fd = openSync('/dev/cpu_dma_latency', 'w');
    writeSync(fd, new Uint8Array(4));
    return () => { closeSync(fd); };
  } catch {
    return () => undefined;
  }
}
