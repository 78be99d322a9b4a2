// SPDX-License-Identifier: Apache-2.0
/** The turn of this run among those who test on this machine. It is kept for some suites, and then given to the next. */
import { takeLock } from '../helpers/kernel.js';

const PATIENCE_S = 1800;
const KEEP_MS = 90_000;

export class Turn {
  #release: (() => void) | undefined;
  #since = 0;

  async have(): Promise<void> {
    if (this.#release !== undefined && performance.now() - this.#since < KEEP_MS) return;
    this.give();
    this.#release = await takeLock(PATIENCE_S);
    this.#since = performance.now();
  }

  give(): void {
    this.#release?.();
    this.#release = undefined;
  }
}
