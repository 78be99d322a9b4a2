/** Background work that is repeated, ever more slowly, until it says that it is done. Never holds the process. */
import { setTimeout as sleep } from 'node:timers/promises';

export class Repeater {
  #running = false;
  #again = false;
  #stopped = false;

  /** `work` resolves to true when nothing is left to do. Times in milliseconds; the first wait comes before the work. */
  constructor(
    private readonly firstMs: number,
    private readonly slowestMs: number,
    private readonly work: () => Promise<boolean>,
    private readonly failed: (error: unknown) => void,
  ) {}

  /** Begin, or begin anew at full pace if it is under way. */
  start(): void {
    this.#again = true;
    if (this.#running || this.#stopped) return;
    this.#running = true;
    void this.#run().catch(this.failed).finally(() => { this.#running = false; });
  }

  stop(): void {
    this.#stopped = true;
  }

  async #run(): Promise<void> {
    let wait = this.firstMs;
    while (!this.#stopped) {
      if (this.#again) wait = this.firstMs;
      this.#again = false;
      await sleep(wait, undefined, { ref: false });
      if (this.#stopped) return;
      const done = await this.work();
      // Something new may have come while it worked: then "done" was said of an older state.
      if (done && !this.#asked()) return;
      wait = Math.min(wait * 2, this.slowestMs);
    }
  }

  #asked(): boolean {
    return this.#again;
  }
}
