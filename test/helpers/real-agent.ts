// SPDX-License-Identifier: Apache-2.0
/** The agent as people start it, as a process of its own, on a cgroup and pins of its own. */
import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findCgroup2 } from '../../agent/datapath/cgroup.js';
import { ProcessHost } from '../../agent/frontdoor/host.js';
import type { Counters, Pair, Profile } from '../../agent/datapath/types.js';
import { BPFFS, eventually, freshName, removeCgroup } from './kernel.js';
import { keptLog } from './log.js';
import { Program, startPython } from './program.js';

const LAUNCHER = fileURLToPath(new URL('../../../bin/sidestep', import.meta.url));

export interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** A place for agents: what one leaves there, the next finds. */
export class Ground {
  /** The network namespace of its agents; undefined: that of the test. */
  netns: string | undefined;
  readonly name = freshName();
  readonly cgroup = join(findCgroup2(), this.name);
  readonly pins = join(BPFFS, this.name);
  readonly runDir = mkdtempSync(join(tmpdir(), 'sidestep-agent-'));
  readonly stateDir = join(this.runDir, 'state');
  readonly #agents: RealAgent[] = [];
  readonly #programs: Program[] = [];

  constructor() {
    mkdirSync(this.cgroup);
  }

  get flags(): string[] {
    const settings = {
      'cgroup.path': this.cgroup, 'bpf.pinPath': this.pins, 'metrics.port': '0', 'log.format': 'json', stateDir: this.stateDir, 'bus.mode': 'off',
    };
    return Object.entries(settings).flatMap(([key, value]) => ['--set', `${key}=${value}`]);
  }

  config(text: string): string {
    const file = join(this.runDir, 'config.yaml');
    writeFileSync(file, text);
    return file;
  }

  /** `more` comes after the settings of the ground, and wins. `launcher`: that of another build. */
  start(more: readonly string[] = [], config = '/dev/null', launcher = LAUNCHER): RealAgent {
    const agent = new RealAgent(['--config', config, '--run-dir', this.runDir, 'agent', ...this.flags, ...more], this.netns, launcher);
    this.#agents.push(agent);
    return agent;
  }

  async ready(more: readonly string[] = []): Promise<RealAgent> {
    const agent = this.start(more);
    await agent.says('ready');
    return agent;
  }

  cli(...args: string[]): Outcome {
    const { status, stdout, stderr } = spawnSync(process.execPath, [LAUNCHER, '--config', '/dev/null', '--run-dir', this.runDir, ...args],
      { encoding: 'utf8', env: { ...process.env, SIDESTEP_BPF_PIN_PATH: this.pins, SIDESTEP_CGROUP_PATH: this.cgroup } });
    return { code: status, stdout, stderr };
  }

  /** What the admin API answers. */
  api(path: string, body?: object): unknown {
    const post = body === undefined ? [] : ['-X', 'POST', '-d', JSON.stringify(body)];
    const { stdout } = spawnSync('curl', ['-s', '--unix-socket', join(this.runDir, 'agent.sock'), ...post, `http://agent${path}`], { encoding: 'utf8' });
    return JSON.parse(stdout);
  }

  #read(command: string): unknown {
    const { code, stdout, stderr } = this.cli(command, '-o', 'json');
    assert.equal(code, 0, stderr);
    return JSON.parse(stdout);
  }
  pairs(): Pair[] { return (this.#read('pairs') as { pairs: Pair[] }).pairs; }
  /** "state reason" of the pair whose client has this port. */
  state(port: number): string {
    const pair = (this.api('/v1/pairs') as { pairs: Pair[] }).pairs.find(({ client }) => client.port === port);
    return pair ? `${pair.state} ${pair.reason}` : 'gone';
  }
  becomes(port: number, wanted: string, withinMs = 5000): Promise<void> {
    return eventually(() => (this.state(port) === wanted ? '' : `${this.state(port)}, not ${wanted}`), withinMs);
  }
  profiles(): Profile[] { return (this.#read('profiles') as { profiles: Profile[] }).profiles; }

  counters(): Counters {
    const { stdout } = spawnSync('curl', ['-s', '--unix-socket', join(this.runDir, 'agent.sock'), 'http://agent/v1/counters'], { encoding: 'utf8' });
    return (JSON.parse(stdout) as { counters: Counters }).counters;
  }

  program(file: string, options: object = {}, cgroup = this.cgroup): Program {
    const program = startPython(file, options, { cgroup, netns: this.netns });
    this.#programs.push(program);
    return program;
  }

  command(command: readonly string[], cgroup = this.cgroup, env: NodeJS.ProcessEnv = {}): Program {
    const program = new Program(command, { cgroup, netns: this.netns, env });
    this.#programs.push(program);
    return program;
  }

  async clean(): Promise<void> {
    const ended = this.#agents.map((agent) => agent.kill());
    // They hold what the agent wrote to.
    await new ProcessHost({ runDir: this.runDir, log: { level: 'info', format: 'json' } }, keptLog().log).end(0);
    await Promise.all(ended);
    // Workers of a server outlive it, and hold what it wrote to.
    await removeCgroup(this.cgroup);
    for (const program of this.#programs) await program.kill();
    rmSync(this.pins, { recursive: true, force: true });
    rmSync(this.runDir, { recursive: true, force: true });
  }
}

export class RealAgent {
  readonly child: ChildProcess;
  stdout = '';
  stderr = '';
  readonly #ended: Promise<unknown>;

  /** `netns`: the network namespace that is its host. `launcher`: bin/sidestep of the build that it is. */
  constructor(args: readonly string[], netns?: string, launcher = LAUNCHER) {
    const enter = netns === undefined ? [] : ['nsenter', `--net=/run/netns/${netns}`];
    const [file = '', ...rest] = [...enter, process.execPath, launcher, ...args];
    this.child = spawn(file, rest, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.child.stdout!.on('data', (chunk: Buffer) => { this.stdout += chunk.toString(); });
    this.child.stderr!.on('data', (chunk: Buffer) => { this.stderr += chunk.toString(); });
    this.#ended = once(this.child, 'close');
  }

  async says(message: string): Promise<void> {
    await eventually(() => (this.stderr.includes(`"msg":"${message}"`) ? '' : `the agent did not say "${message}": ${this.stderr.slice(-500)}`), 30_000);
  }

  async end(): Promise<Outcome> {
    await this.#ended;
    return { code: this.child.exitCode, stdout: this.stdout, stderr: this.stderr };
  }

  async stop(signal: NodeJS.Signals = 'SIGINT'): Promise<Outcome> {
    this.child.kill(signal);
    return this.end();
  }

  async kill(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill('SIGKILL');
    await this.#ended;
  }
}

export async function onGround(test: (ground: Ground) => Promise<void>): Promise<void> {
  const ground = new Ground();
  try {
    await test(ground);
  } finally {
    await ground.clean();
  }
}
