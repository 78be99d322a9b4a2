// SPDX-License-Identifier: Apache-2.0
/**
 * Where a suite runs: a cgroup, a network namespace with loopback only, and a folder. All are its own, so ports are free
 * and nothing else talks there, and all are gone afterwards with every process inside.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { alive, freshName, removeCgroup } from '../helpers/kernel.js';
import { Running, type Ended } from './running.js';

/** From dist/test/conformance to the sources: what is not TypeScript is not copied. */
export const SOURCES = fileURLToPath(new URL('../../../test/conformance', import.meta.url));
const DRIVERS = fileURLToPath(new URL('./drivers', import.meta.url));

export interface How {
  readonly input?: Buffer | string;
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Ended with SIGKILL after this. */
  readonly limitS?: number;
  /** A cgroup of its own below that of the place: what the guard learns of it is not held against the others. */
  readonly group?: string;
}

const LIMIT_S = 60;

/** What the names of folders begin with; the process id follows. */
export const FOLDERS = 'sidestep-conformance-';

/** Folders of runs that were killed. */
export function removeOldFolders(): void {
  for (const name of readdirSync(tmpdir()).filter((entry) => entry.startsWith(FOLDERS))) {
    if (!alive(Number(name.slice(FOLDERS.length).split('-')[0]))) rmSync(join(tmpdir(), name), { recursive: true, force: true });
  }
}

export class Place {
  readonly dir = mkdtempSync(join(tmpdir(), `${FOLDERS}${process.pid}-`));
  readonly netns = freshName();
  readonly cgroup: string;

  /** `above`: the cgroup that this place is made in. */
  constructor(above: string, readonly short: boolean, readonly prepared: string) {
    this.cgroup = join(above, this.netns);
    mkdirSync(this.cgroup);
    execFileSync('ip', ['netns', 'add', this.netns]);
    execFileSync('ip', ['-n', this.netns, 'link', 'set', 'lo', 'up']);
  }

  path(...names: string[]): string {
    return join(this.dir, ...names);
  }

  /** A file that comes with the suites. */
  source(name: string): string {
    return join(SOURCES, name);
  }

  /** Starts a program, which is killed with the place. */
  start(command: readonly string[], { cwd = this.dir, env, group }: How = {}): Running {
    const cgroup = group === undefined ? this.cgroup : join(this.cgroup, group);
    mkdirSync(cgroup, { recursive: true });
    // nsenter, because `ip netns exec` mounts its own /sys and hides the cgroups.
    const enter = ['--net=/run/netns/' + this.netns, 'bash', '-c', 'echo $$ > "$0/cgroup.procs" && exec "$@"', cgroup];
    const child = spawn('nsenter', [...enter, ...command], {
      cwd,
      env: { PATH: process.env['PATH'], LC_ALL: 'C.UTF-8', HOME: this.dir, TMPDIR: this.dir, PYTHONDONTWRITEBYTECODE: '1', ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    return new Running(command.slice(0, 2).join(' '), child);
  }

  /** Runs a program to its end. */
  async run(command: readonly string[], how: How = {}): Promise<Ended> {
    const running = this.start(command, how);
    running.child.stdin.end(how.input);
    return running.end(how.limitS ?? LIMIT_S);
  }

  /** The same, and it must end well: what it printed. */
  async output(command: readonly string[], how: How = {}): Promise<string> {
    const ended = await this.run(command, how);
    if (ended.how !== 'exit 0') throw new Error(`${command[0] ?? ''}: ${ended.how}: ${ended.stderr.trim() || ended.text().trim()}`);
    return ended.text();
  }

  /** One of the drivers in this folder. */
  driver(name: string, ...args: string[]): string[] {
    return [process.execPath, join(DRIVERS, `${name}.js`), ...args];
  }

  /** Waits until the server listens, without opening a connection that would be counted. */
  async listening(server: Running, port: number, withinMs = 20_000): Promise<void> {
    const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
    const deadline = Date.now() + withinMs;
    for (;;) {
      if (server.over) throw new Error(`${server.name} ended before it listened on port ${port}: ${server.lastWords()}`);
      if (sockets(server.pid).some(([local, state]) => local.endsWith(wanted) && state === '0A')) return;
      if (Date.now() > deadline) throw new Error(`${server.name} did not listen on port ${port}: ${server.lastWords()}`);
      await sleep(10);
    }
  }

  /** Ends everything inside. What it leaves is the namespace, which its connections need to end in. */
  async empty(): Promise<void> {
    await removeCgroup(this.cgroup);
  }

  async remove(): Promise<void> {
    await this.empty();
    spawnSync('ip', ['netns', 'del', this.netns]);
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** Local address and state of each TCP socket in the namespace of a process. */
function sockets(pid: number): [local: string, state: string][] {
  const rows = ['tcp', 'tcp6'].flatMap((table) => {
    try {
      return readFileSync(`/proc/${pid}/net/${table}`, 'utf8').trim().split('\n').slice(1);
    } catch {
      return []; // it has ended
    }
  });
  return rows.map((row) => {
    const [, local = '', , state = ''] = row.trim().split(/\s+/);
    return [local, state];
  });
}
