// SPDX-License-Identifier: Apache-2.0
/** Who runs the agent: starts, stops and kills it, edits its file, calls its commands. One thing at a time. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { AdminClient } from '../../agent/admin/client.js';
import type { CountersObject } from '../../agent/admin/objects.js';
import { socketPath } from '../../agent/admin/socket.js';
import type { Pair } from '../../agent/datapath/types.js';
import type { Ground, RealAgent } from '../helpers/real-agent.js';

const LAUNCHER = fileURLToPath(new URL('../../../bin/sidestep', import.meta.url));
const READY_MS = 30_000;

export interface Settings {
  enabled: boolean;
  observe: boolean;
  queueBytes: number;
  onExit: 'keep' | 'retire';
  /** placement.brief */
  brief: number;
}

export class Operator {
  readonly settings: Settings = { enabled: true, observe: false, queueBytes: 262_144, onExit: 'keep', brief: 4 };
  starts = 0;
  #agent: RealAgent | undefined;
  readonly #client: AdminClient;

  constructor(private readonly ground: Ground) {
    this.#client = new AdminClient(socketPath(ground.runDir), 3000);
  }

  get pid(): number | undefined { return this.#agent?.child.pid; }

  #write(): string {
    const { enabled, observe, queueBytes, onExit, brief } = this.settings;
    return this.ground.config(`datapath:\n  enabled: ${enabled}\n  observe: ${observe}\n  queueBytes: ${queueBytes}\nlifecycle:\n  onExit: ${onExit}\nplacement:\n  brief: ${brief}\n`);
  }

  /** Only begins to start; ready() waits. */
  launch(onExit: Settings['onExit'], launcher = LAUNCHER): void {
    this.settings.onExit = onExit;
    this.starts++;
    this.#agent = this.ground.start([], this.#write(), launcher);
  }

  async ready(): Promise<void> {
    for (const until = Date.now() + READY_MS; ;) {
      if (this.#agent?.stderr.includes('"msg":"ready"') === true) return;
      if (this.#agent?.child.exitCode !== null || Date.now() > until) throw new Error(`the agent did not become ready: ${this.#agent?.stderr.slice(-1000) ?? ''}`);
      await sleep(20);
    }
  }

  /** `launcher`: bin/sidestep of the build to start. */
  async start(onExit: Settings['onExit'], launcher = LAUNCHER): Promise<void> {
    this.launch(onExit, launcher);
    await this.ready();
  }

  async kill(): Promise<void> { await this.#agent?.stop('SIGKILL'); }

  /** SIGTERM; what `onExit` says happens to the pairs. Returns '' or what was wrong. */
  async stop(): Promise<string> {
    const outcome = await this.#agent?.stop('SIGTERM');
    return outcome?.code === 0 ? '' : `the agent ended with ${String(outcome?.code)}: ${outcome?.stderr.slice(-500) ?? ''}`;
  }

  /** Changes the file; the agent sees it by itself, and is told as well. */
  change(settings: Partial<Omit<Settings, 'onExit'>>): void {
    Object.assign(this.settings, settings);
    this.#write();
    this.reload();
  }

  /** What was switched by hand is undone: the file is in force again. */
  reload(): void { this.#agent?.child.kill('SIGHUP'); }

  /** The command as people type it. Returns '' or what was wrong. */
  async command(...args: string[]): Promise<string> {
    const child = spawn(process.execPath, [LAUNCHER, '--config', '/dev/null', '--run-dir', this.ground.runDir, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    let words = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => { words += chunk.toString(); });
    await once(child, 'close');
    return child.exitCode === 0 ? '' : `${args.join(' ')}: ${words} ${this.#warnings()}`;
  }

  /** What the agent that runs now has warned of. */
  #warnings(): string {
    const lines = this.#agent?.stderr.split('\n') ?? [];
    return lines.filter((line) => /"level":"(warn|error)"/.test(line)).slice(-3).join(' ');
  }

  async pairs(): Promise<Pair[]> { return (await this.#client.pairs()).pairs; }
  counters(): Promise<CountersObject> { return this.#client.counters(); }

  rssKiB(): number {
    try {
      return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${this.pid}/status`, 'utf8'))?.[1] ?? 0);
    } catch {
      return 0; // just now there is none
    }
  }
}
