/** Background work that is repeated, ever more slowly, until it says that it is done. Never holds the process. */
import { setTimeout as sleep } from 'node:timers/promises';

export class Repeater {
  #running = false;
  /** Rises with each start: work that ended before the last one has not seen everything. */
  #asked = 0;
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
    this.#asked += 1;
    if (this.#running || this.#stopped) return;
    this.#running = true;
    void this.#run().catch(this.failed).finally(() => { this.#running = false; });
  }

  stop(): void {
    this.#stopped = true;
  }

  async #run(): Promise<void> {
    let wait = this.firstMs;
    let seen = 0;
    for (;;) {
      if (seen !== this.#asked) wait = this.firstMs;
      await sleep(wait, undefined, { ref: false });
      seen = this.#asked;
      if (this.#stopped || ((await this.work()) && seen === this.#asked)) return;
      wait = Math.min(wait * 2, this.slowestMs);
    }
  }
}
