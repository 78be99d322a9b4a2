/**
 * The values of one metric, built anew at each reading.
 * The kernel's totals are absolute. Adding up live and closed connections can miss one that closes in between, so a
 * total may dip for an instant; a counter keeps its highest value, because Prometheus takes any fall for a restart.
 */

export interface Sample {
  readonly labels: Record<string, string>;
  value: number;
}

// A series that the kernel no longer has (an evicted edge) is kept for so many readings, then forgotten: if it comes
// back it starts at zero, and an old high mark would hide all that it counts.
const keepAbsent = 3;

export class Series {
  #fresh = new Map<string, Sample>();
  #marks = new Map<string, { sample: Sample; absent: number }>();

  constructor(private readonly isCounter: boolean) {}

  /** Samples with equal labels add up. */
  add(labels: Record<string, string>, value: number): void {
    const key = JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
    const sample = this.#fresh.get(key);
    if (sample) sample.value += value;
    else this.#fresh.set(key, { labels, value });
  }

  /** Ends a reading. */
  take(): Sample[] {
    const fresh = this.#fresh;
    this.#fresh = new Map();
    if (!this.isCounter) return [...fresh.values()];
    for (const [key, mark] of this.#marks) {
      if (fresh.has(key)) mark.absent = 0;
      else if (++mark.absent > keepAbsent) this.#marks.delete(key);
    }
    for (const [key, sample] of fresh) {
      const mark = this.#marks.get(key);
      if (!mark) this.#marks.set(key, { sample, absent: 0 });
      else mark.sample.value = Math.max(mark.sample.value, sample.value);
    }
    return [...this.#marks.values()].map(({ sample }) => sample);
  }

  /** Drops what a reading that failed had added. */
  discard(): void {
    this.#fresh.clear();
  }
}
