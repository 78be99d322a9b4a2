// SPDX-License-Identifier: Apache-2.0
/** Servers with several listeners on one port, in a network namespace of their own, balanced from outside. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { loadConfig } from '../../config/load.js';
import { findCgroup2 } from '../../agent/datapath/cgroup.js';
import { reuseportHost } from '../../agent/reuseport/native.js';
import { Reuseport } from '../../agent/reuseport/reuseport.js';
import type { GroupView, ListenerView } from '../../agent/reuseport/view.js';
import { eventually, freshName, removeCgroup } from './kernel.js';
import { keptLog, type Line } from './log.js';
import { disturbance, Others } from './disturbance.js';
import { withNetns } from './pods.js';
import { Program, startPython, type Report } from './program.js';

/** Each has the one port that its test uses, so that what else shares ports on the host is left alone. */
export const PORT = 8080;

/** The workers of programs/workers.py. */
export class Workers {
  pids: number[] = [];

  constructor(readonly program: Program) {}

  async ready(): Promise<this> {
    this.pids = (await this.program.next())['ready'] as number[];
    return this;
  }

  async tell(line: string): Promise<Report> {
    this.program.say(line);
    return this.program.next();
  }

  /** Connections, or datagrams, that each worker has taken. */
  async counts(): Promise<Map<number, number>> {
    const { counts } = await this.tell('counts') as { counts: Record<string, number> };
    return new Map(Object.entries(counts).map(([pid, count]) => [Number(pid), count]));
  }

  async start(): Promise<number> {
    const pid = (await this.tell('start'))['pid'] as number;
    this.pids.push(pid);
    return pid;
  }

  async leave(pid: number): Promise<void> {
    await this.tell(`leave ${pid}`);
    this.pids = this.pids.filter((one) => one !== pid);
  }
}

export interface Storm {
  /** Answers by who gave them. */
  by: Record<string, number>;
  refused: number;
  reset: number;
  /** Connected, and no answer in time. */
  silent: number;
}

export class Ground {
  readonly lines: Line[];
  /** Choosers of other agents. */
  readonly before = loadedChoosers();
  readonly #log;
  readonly #programs: Program[] = [];
  readonly #agents: Reuseport[] = [];
  /** What is in it goes with the test: workers outlive a master that is killed. */
  readonly cgroup = join(findCgroup2(), freshName());
  readonly #pins = `/sys/fs/bpf/${freshName()}`;

  constructor(readonly netns: string) {
    mkdirSync(this.cgroup);
    const { log, lines } = keptLog();
    this.#log = log;
    this.lines = lines;
  }

  command(command: readonly string[], env: NodeJS.ProcessEnv = {}): Program {
    const program = new Program(command, { netns: this.netns, cgroup: this.cgroup, env });
    this.#programs.push(program);
    return program;
  }

  python(file: string, options: object = {}): Program {
    const program = startPython(file, options, { netns: this.netns, cgroup: this.cgroup });
    this.#programs.push(program);
    return program;
  }

  workers(options: object = {}): Promise<Workers> {
    return new Workers(this.python('workers.py', { port: PORT, ...options })).ready();
  }

  /** `count` connections (or datagrams) as fast as they go, `wide` at a time. */
  async storm(options: object = {}): Promise<Storm> {
    const reports = await this.python('storm.py', { port: PORT, count: 400, ...options }).end();
    return reports.at(-1) as Storm;
  }

  /** The balancing of an agent, without the rest of it. */
  async balance(settings: Record<string, string> = {}): Promise<Reuseport> {
    const reuseport = new Reuseport(this.config(settings), reuseportHost, findCgroup2(), this.#log);
    this.#agents.push(reuseport);
    await reuseport.start();
    return reuseport;
  }

  config(settings: Record<string, string> = {}): ReturnType<typeof loadConfig> {
    const flags = { 'reuseport.enabled': 'true', 'reuseport.include': `port:${PORT}`, 'reuseport.graceTime': '0', 'bpf.pinPath': this.#pins, ...settings };
    return loadConfig({ file: '/dev/null', env: {}, flags });
  }

  async clean(): Promise<void> {
    for (const agent of this.#agents) await agent.stop(false);
    await removeCgroup(this.cgroup);
    for (const program of this.#programs) await program.kill();
  }
}

export async function onGround(test: (ground: Ground) => Promise<void>): Promise<void> {
  await withNetns(async (netns) => {
    const ground = new Ground(netns);
    try {
      await test(ground);
    } finally {
      await ground.clean();
    }
  });
}

/** The group of a ground: other tests, and other programs, may have one on the same port. */
async function find(ground: Ground, reuseport: Reuseport, port: number, protocol: 'tcp' | 'udp'): Promise<GroupView | undefined> {
  const netns = statSync(`/run/netns/${ground.netns}`).ino;
  return (await reuseport.view()).groups.find((one) => one.port === port && one.netns === netns && one.protocol === protocol);
}

export async function groupOf(ground: Ground, reuseport: Reuseport, port = PORT, protocol: 'tcp' | 'udp' = 'tcp'): Promise<GroupView> {
  const group = await find(ground, reuseport, port, protocol);
  assert.ok(group, `no ${protocol} group on port ${port}: ${reuseport.lastView().failure}`);
  return group;
}

/** Waits until the group has this many listeners in this state. */
export async function listeners(
  ground: Ground, reuseport: Reuseport, count: number, state: ListenerView['state'] = 'ready', port = PORT, protocol: 'tcp' | 'udp' = 'tcp',
): Promise<GroupView> {
  let group: GroupView | undefined;
  await eventually(async () => {
    group = await find(ground, reuseport, port, protocol);
    const found = group?.listeners.filter((listener) => listener.state === state).length ?? 0;
    return found === count ? '' : `${found} of ${count} listeners ${state}: ${JSON.stringify(group)}`;
  }, 5000);
  return group!;
}

export const well = { refused: 0, reset: 0, silent: 0 };

/**
 * Connections spread evenly. One at a time they leave the queues empty, so that it is each listener's turn: exact, however slow
 * the machine is; a hash does that once in a thousand times. In a storm the busiest takes at most `most` times the mean;
 * a worker that another program keeps off the processor gets less, and should, so only storms that nobody disturbed count.
 */
export async function spreads(ground: Ground, most: number, options: { count: number; host?: string; http?: boolean; hold?: boolean }): Promise<void> {
  await takeTurns(ground, { ...options, hold: false });
  const seen: string[] = [];
  for (let attempt = 0; attempt < 5; attempt++) {
    const others = new Others(ground.cgroup);
    const { by, ...bad } = await ground.storm(options);
    assert.deepEqual(bad, well);
    if (skew(Object.values(by)) <= most) return;
    if (others.share() < disturbance) seen.push(JSON.stringify(by));
  }
  if (seen.length > 0) assert.fail(`five storms, none even, of which ${seen.length} undisturbed: ${seen.join(' ')}`);
}

/** One after the other, until who fell behind in an earlier storm has caught up. */
async function takeTurns(ground: Ground, options: object): Promise<void> {
  const seen: string[] = [];
  for (let attempt = 0; attempt < 5; attempt++) {
    const { by, ...bad } = await ground.storm({ ...options, count: 400, wide: 1 });
    assert.deepEqual(bad, well);
    const counts = Object.values(by);
    if (counts.length > 1 && Math.max(...counts) - Math.min(...counts) <= 1) return;
    seen.push(JSON.stringify(by));
  }
  assert.fail(`one connection at a time, and not in turn: ${seen.join(' ')}`);
}

/** Ids of the choosers that this kernel has loaded and that are not of another agent. */
export function choosers({ before }: Ground): number[] {
  return loadedChoosers().filter((id) => !before.includes(id));
}

function loadedChoosers(): number[] {
  const programs = JSON.parse(execFileSync('bpftool', ['-j', 'prog', 'show'], { encoding: 'utf8' })) as { id: number; name?: string }[];
  return programs.filter(({ name }) => name === 'sidestep_reuse').map(({ id }) => id);
}

/** Busiest over mean. */
export function skew(counts: Iterable<number>): number {
  const all = [...counts];
  return Math.max(...all) / (all.reduce((sum, count) => sum + count, 0) / all.length);
}
