// SPDX-License-Identifier: Apache-2.0
/** Agents on a fake datapath that come and go in one run directory, with the real process of a front door, under traffic. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AdminClient } from '../../agent/admin/client.js';
import { ProcessHost } from '../../agent/frontdoor/host.js';
import { folder } from './folder.js';
import { freePort } from './free-port.js';
import { eventually } from './kernel.js';
import { keptLog } from './log.js';
import type { Program} from './program.js';
import { startPython } from './program.js';
import { start, type Running } from './run.js';

export interface Seen {
  readonly rounds: number;
  readonly calls: number;
  readonly lost: number;
  readonly refused: number;
  readonly reset: number;
  readonly differ: number;
  readonly other: string[];
}

export class DoorGround {
  readonly runDir = folder();
  readonly host = new ProcessHost({ runDir: this.runDir, log: { level: 'info', format: 'json' } }, keptLog().log);
  readonly client = new AdminClient(join(this.runDir, 'agent.sock'));
  /** Of its agents. */
  env: NodeJS.ProcessEnv = {};
  readonly #agents: Running[] = [];

  constructor(readonly port: number, readonly traffic: Program, readonly backend: number) {}

  /** `more`: settings, key=value. Resolves when it is ready. */
  async agent(...more: string[]): Promise<Running> {
    const doors = [{ name: 'web', address: '127.0.0.1', port: this.port, backends: [{ address: '127.0.0.1', port: this.backend }], drainTimeout: '10s' }];
    const agent = start('test/helpers/fake-agent.js', [this.runDir, '--doors=real', `frontdoors=${JSON.stringify(doors)}`, ...more], this.env);
    this.#agents.push(agent);
    await agent.said('"ready"');
    return agent;
  }

  async killed({ child }: Running): Promise<void> {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }

  async doorPid(): Promise<number> {
    const { process } = await this.client.frontdoor();
    assert.ok(process);
    return process.pid;
  }

  /** Until this many more exchanges over connections that stay, and this many more connections, were seen. */
  async passes(rounds: number, calls: number): Promise<Seen> {
    const before = await this.seen();
    let now = before;
    await eventually(async () => {
      now = await this.seen();
      return now.rounds >= before.rounds + rounds && now.calls >= before.calls + calls ? '' : `nothing moves: ${JSON.stringify([before, now])}`;
    }, 15_000);
    return now;
  }

  /** Until so many of the connections that stay have ended, and no more. */
  async loses(count: number): Promise<void> {
    await eventually(async () => ((await this.seen()).lost >= count ? '' : `less than ${count} were lost`));
    assert.equal((await this.seen()).lost, count);
  }

  async seen(): Promise<Seen> {
    this.traffic.say();
    return await this.traffic.next() as Seen;
  }

  async clean(): Promise<void> {
    for (const { child } of this.#agents) child.kill('SIGKILL');
    await this.traffic.kill();
    await this.host.end(0);
  }
}

export const isAlive = (pid: number): boolean => {
  try {
    // A zombie has ended.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
};

export async function onDoorGround(test: (ground: DoorGround) => Promise<void>): Promise<void> {
  const port = await freePort();
  const traffic = startPython('../../frontdoor/programs/steady.py', { door: ['127.0.0.1', port], stay: 8, callers: 4 }, {});
  const { port: backend } = await traffic.next() as { port: number };
  const ground = new DoorGround(port, traffic, backend);
  try {
    await test(ground);
  } finally {
    await ground.clean();
  }
}

/** Nothing was lost, refused or reset, and every byte was as it was sent. */
export function assertWhole({ rounds, calls, ...bad }: Seen): void {
  assert.ok(rounds > 0 && calls > 0);
  assert.deepEqual(bad, { lost: 0, refused: 0, reset: 0, differ: 0, other: [] });
}
