// SPDX-License-Identifier: Apache-2.0
/**
 * Baseline and contender at the same time, a few milliseconds each in turn: what the host takes away from one, for a second or
 * for ten, it takes away from the other. Whose turn it is not is stopped, client and server.
 */
import type { ChildProcess } from 'node:child_process';

const TURN_MS = 20;

/** A flow in turns has so much less of the time for itself. */
export const SHARES = 2;

/** The programs of one flow. */
type Flowing = readonly ChildProcess[];

const signal = (flow: Flowing | undefined, name: 'SIGSTOP' | 'SIGCONT'): void => { flow?.forEach((program) => program.kill(name)); };

export class Turns {
  readonly #flows: Flowing[] = [];
  #timer: NodeJS.Timeout | undefined;
  #at = 0;

  /** A flow that has just begun: it stands still until the other is there too, and then every other turn. */
  join(flow: Flowing): void {
    signal(flow, 'SIGSTOP');
    this.#flows.push(flow);
    if (this.#flows.length < SHARES) return;
    signal(this.#flows[this.#at], 'SIGCONT');
    this.#timer = setInterval(() => { this.#next(); }, TURN_MS);
  }

  /** Whoever is still there goes on alone. */
  end(): void {
    clearInterval(this.#timer);
    for (const flow of this.#flows) signal(flow, 'SIGCONT');
  }

  /** Turns of one that has ended stay empty: the other must not have more of them than it had. */
  #next(): void {
    signal(this.#flows[this.#at], 'SIGSTOP');
    this.#at = (this.#at + 1) % SHARES;
    signal(this.#flows[this.#at], 'SIGCONT');
  }
}
