/** The real agent, as an operator starts it, serving one cgroup. */
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { AdminClient } from '../agent/admin/client.js';
import type { Status } from '../agent/admin/objects.js';
import { socketPath } from '../agent/admin/socket.js';
import { ended, lastWords, stop, type Child, type Commands } from './commands.js';
import type { Ground } from './ground.js';

const program = fileURLToPath(new URL('../../bin/sidestep', import.meta.url));
/** The self-test tries every promise of the kernel before the agent is ready. */
const startMs = 60_000;
const stopMs = 15_000;

export interface Redirected {
  readonly bytes: number;
  readonly messages: number;
}

export class Agent {
  readonly #child: Child;
  readonly #client: AdminClient;

  constructor(commands: Commands, { agent, served, pins, folder }: Ground) {
    this.#child = commands.start(agent, [
      process.execPath, program, '--config', '/dev/null', '--run-dir', folder, 'agent',
      '--set', `cgroup.path=${served}`, '--set', `bpf.pinPath=${pins}`, '--set', `stateDir=${folder}`, '--set', 'metrics.port=0', '--set', 'log.format=pretty',
    ]);
    this.#client = new AdminClient(socketPath(folder));
  }

  async ready(stopped: AbortSignal): Promise<Status> {
    const words = lastWords(this.#child);
    for (const until = Date.now() + startMs; Date.now() < until;) {
      stopped.throwIfAborted();
      if (ended(this.#child)) throw new Error(`the agent ended before it was ready:\n${words()}`);
      const status = await this.#client.status().catch(() => undefined);
      if (status?.ready === true) {
        if (status.datapath.mode === 'off') throw new Error(`this kernel is not accelerated: ${status.datapath.modeWhy}`);
        return status;
      }
      await sleep(50);
    }
    throw new Error(`the agent was not ready after ${startMs / 1000} seconds:\n${words()}`);
  }

  async redirected(): Promise<Redirected> {
    const { counters } = await this.#client.counters();
    return { bytes: counters.bytes.redirected, messages: counters.messages.redirected };
  }

  /** Retires every pair and takes the programs out of the kernel. */
  async stop(): Promise<void> {
    await stop(this.#child, stopMs);
    const { exitCode } = this.#child;
    if (exitCode !== 0) throw new Error(`the agent ended with ${String(exitCode ?? this.#child.signalCode)}`);
  }
}
