// SPDX-License-Identifier: Apache-2.0
/**
 * Where it is measured: two cgroups, one that the agent serves and one that it does not; a pair of pods; and the agent,
 * which runs with its defaults, or with what a mode asks for, or not at all.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AdminClient } from '../../agent/admin/client.js';
import { socketPath } from '../../agent/admin/socket.js';
import { findCgroup2 } from '../../agent/datapath/cgroup.js';
import { freshName, removeCgroup } from '../helpers/kernel.js';
import type { Pods } from '../helpers/pods.js';
import { Ground, type RealAgent } from '../helpers/real-agent.js';
import { buildFlow, runFlow, type End, type Flow } from './flow.js';
import { idlePoll } from './machine.js';
import { Naive } from './naive.js';
import { SHARES, Turns } from './turns.js';

/**
 * plain     both ends where no agent serves, beside one that runs
 * auto      both ends served, with the defaults
 * on        the same with placement.enabled=false: whatever may be redirected is
 * remote    the server is served, the client is not: a connection that is none of ours
 * absent    no agent on the host
 * apart     the same, the ends as `remote` has them: switching between tasks of two cgroups has a price of its own
 * unix      plain, over AF_UNIX
 * naive     both ends where an accelerator redirects everything, without a look or a bound
 * haproxy   plain, with a hop through HAProxy
 * nginx     plain, with a hop through nginx's stream module
 */
export type Mode = 'plain' | 'auto' | 'on' | 'remote' | 'absent' | 'apart' | 'unix' | 'naive' | 'haproxy' | 'nginx';
type Path = 'loopback' | 'pods' | 'service';

export const withoutAgent = (mode: Mode): boolean => mode === 'absent' || mode === 'apart';

const WARM_MS = 300;
const START_MS = 20_000;

export interface Proof {
  /** Messages that went around TCP, and those of enrolled sockets that did not. */
  readonly redirected: number;
  readonly passed: number;
  /** Packets on the loopback device of the host, whoever sent them. */
  readonly packets: number;
}

export class Stage {
  readonly served: string;
  readonly plain = join(findCgroup2(), freshName());
  readonly #ground = new Ground();
  readonly #program = buildFlow();
  #agent: RealAgent | undefined;
  #naive: Naive | undefined;
  #placing = true;
  #turns: Turns | undefined;
  #ports = 20_000;

  constructor(readonly pods: Pods, readonly sampleMs: number) {
    this.served = this.#ground.cgroup;
    mkdirSync(this.plain);
  }

  get folder(): string { return this.#ground.runDir; }

  /** A port of its own for each server, so that none waits for what an earlier one left. */
  port(): number { return this.#ports++; }

  cgroups(mode: Mode): { server: string; client: string } {
    if (mode === 'naive' && this.#naive) return { server: this.#naive.cgroup, client: this.#naive.cgroup };
    const both = mode === 'auto' || mode === 'on';
    const server = both || mode === 'remote' || mode === 'apart';
    return { server: server ? this.served : this.plain, client: both ? this.served : this.plain };
  }

  async prepare(mode: Mode): Promise<void> {
    if (mode === 'naive') this.#naive ??= new Naive(this.folder);
    const suits = mode === 'auto' ? this.#placing : mode === 'on' ? !this.#placing : true;
    const alone = withoutAgent(mode);
    if (alone ? this.#agent === undefined : this.#agent !== undefined && suits) return;
    await this.#stop();
    if (!alone) await this.#start(mode !== 'on');
  }

  async flow(mode: Mode, path: Path, sameCore: boolean, words: readonly string[], at = this.port(), call = at): Promise<Flow> {
    const { server, client } = this.cgroups(mode);
    const inPods = path !== 'loopback';
    const ends: { server: End; client: End } = {
      server: { cgroup: server, netns: inPods ? this.pods.b : undefined, cpu: sameCore ? 0 : 1 },
      client: { cgroup: client, netns: inPods ? this.pods.a : undefined, cpu: 0 },
    };
    const turns = this.#turns, shares = turns ? SHARES : 1;
    const release = sameCore ? undefined : idlePoll();
    try {
      const flow = await runFlow({
        program: this.#program, ...ends, ...this.#addresses(mode, path, at, call),
        words: [...words, '--ms', String(this.sampleMs * shares), '--warm-ms', String(WARM_MS * shares)],
        started: turns && ((programs) => { turns.join(programs); }),
      });
      return {
        ...flow,
        ...(flow.per_s !== undefined && { per_s: flow.per_s * shares }),
        ...(flow.gbit_s !== undefined && { gbit_s: flow.gbit_s * shares }),
      };
    } finally {
      release?.();
    }
  }

  #addresses(mode: Mode, path: Path, at: number, call: number): { at: string; call: string } {
    if (mode === 'unix') {
      const socket = `unix:${join(this.folder, `flow-${at}`)}`;
      return { at: socket, call: socket };
    }
    if (path === 'loopback') return { at: `0.0.0.0:${at}`, call: `127.0.0.1:${call}` };
    if (path === 'pods') return { at: `${this.pods.b4}:${at}`, call: `${this.pods.b4}:${call}` };
    return { at: `${this.pods.b4}:8080`, call: `${this.pods.service.host}:${this.pods.service.port}` };
  }

  /** Two flows, one of each mode, that take turns. */
  async inTurns<T>(measure: (mode: Mode) => Promise<T>, baseline: Mode, contender: Mode): Promise<[T, T]> {
    const turns = new Turns();
    this.#turns = turns;
    const both = [measure(baseline), measure(contender)] as const;
    try {
      return await Promise.all(both);
    } finally {
      turns.end();
      await Promise.allSettled(both);
      this.#turns = undefined;
    }
  }

  /** What the kernel counted while something ran. */
  async proven<T>(run: () => Promise<T>): Promise<{ result: T; proof: Proof }> {
    const before = await this.#counted();
    const result = await run();
    const after = await this.#counted();
    return { result, proof: {
      redirected: after.redirected - before.redirected, passed: after.passed - before.passed, packets: after.packets - before.packets,
    } };
  }

  async clean(): Promise<void> {
    try {
      await this.#stop();
    } finally {
      await this.#naive?.clean();
      await removeCgroup(this.plain);
      await this.#ground.clean();
    }
  }

  async #counted(): Promise<Proof> {
    const packets = Number(readFileSync('/sys/class/net/lo/statistics/tx_packets', 'utf8'));
    if (!this.#agent) return { redirected: 0, passed: 0, packets };
    const { messages } = (await new AdminClient(socketPath(this.#ground.runDir)).counters()).counters;
    const all = Object.values(messages).reduce((sum, count) => sum + count, 0);
    return { redirected: messages.redirected, passed: all - messages.redirected, packets };
  }

  async #start(placing: boolean): Promise<void> {
    this.#placing = placing;
    this.#agent = this.#ground.start(['--set', 'datapath.selfTest=false', '--set', `placement.enabled=${placing}`]);
    await this.#agent.says('ready');
    // Once, so that programs are known and no sample begins with learning them.
    await this.flow('auto', 'loopback', true, ['fan', '--connections', '4']);
  }

  async #stop(): Promise<void> {
    const agent = this.#agent;
    this.#agent = undefined;
    if (!agent) return;
    const ended = await Promise.race([agent.stop(), sleep(START_MS, undefined, { ref: false })]);
    if (ended?.code !== 0) throw new Error(`the agent did not stop well: ${ended?.stderr.slice(-500) ?? 'it is still there'}`);
  }
}

/** Programs that are missing on this host, of those that are named. */
export function missing(programs: readonly string[]): string[] {
  return programs.filter((name) => {
    try {
      execFileSync('sh', ['-c', `command -v ${name}`], { stdio: 'ignore' });
      return false;
    } catch {
      return true;
    }
  });
}
