/**
 * How many endpoints may be deleted without a word. An empty broker, a purged bucket or a wrong delete looks like a host that
 * has gone; a share is believed, and whatever is beyond it within a second is held until its lease runs out.
 */

/** So few are always believed: in a small cluster one host is a large share. */
const always = 4;
const windowMs = 1000;

export class Guard {
  #since = -Infinity;
  #gone = 0;
  /** Records that were held back, ever. */
  held = 0;

  constructor(private readonly sharePercent: number) {}

  /** One more has vanished, of `known` that are there now. */
  allows(known: number, now: number): boolean {
    if (now - this.#since >= windowMs) {
      this.#since = now;
      this.#gone = 0;
    }
    // Those that went in this window counted when it began.
    const limit = Math.max(always, Math.floor(((known + this.#gone) * this.sharePercent) / 100));
    if (this.#gone >= limit) {
      this.held++;
      return false;
    }
    this.#gone++;
    return true;
  }
}
