// SPDX-License-Identifier: Apache-2.0
/** How much of the processors went to programs that are not of the test, and to other machines on the same hardware. */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';

/** From here on, whoever is late may have an excuse. */
export const disturbance = 0.1;

const ticksPerSecond = 100;

/** Seconds of processors: in use by programs, or taken by the machine below. Interrupts are nobody's. */
function used(): number {
  const [user = 0, nice = 0, system = 0, , , , , steal = 0] = (readFileSync('/proc/stat', 'utf8').split('\n')[0] ?? '').split(/\s+/).slice(1).map(Number);
  return (user + nice + system + steal) / ticksPerSecond;
}

export class Others {
  readonly #began = performance.now();
  readonly #used = used();
  readonly #ours: number;

  /** `cgroup`: of the programs of the test. */
  constructor(private readonly cgroup: string) {
    this.#ours = this.#own();
  }

  /** Of all processors, since it was made. */
  share(): number {
    const seconds = (performance.now() - this.#began) / 1000;
    return (used() - this.#used - (this.#own() - this.#ours)) / (seconds * availableParallelism());
  }

  #own(): number {
    const { user, system } = process.cpuUsage();
    const [, usage = 0] = (readFileSync(join(this.cgroup, 'cpu.stat'), 'utf8').split('\n')[0] ?? '').split(' ').map(Number);
    return (user + system + usage) / 1e6;
  }
}
