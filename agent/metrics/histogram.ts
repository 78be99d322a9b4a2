/** A histogram whose buckets somebody else has counted: those of prom-client only count by themselves. */
import type { Metric, Registry } from 'prom-client';

export interface Distribution {
  /** Upper bounds of all buckets but the last, rising. */
  readonly bounds: readonly number[];
  /** What each bucket counts that no bucket before it does; one more than there are bounds. */
  readonly buckets: readonly number[];
  readonly sum: number;
}

interface Row {
  readonly labels: Record<string, string>;
  readonly distribution: Distribution;
}

interface Value {
  readonly metricName: string;
  readonly labels: Record<string, string>;
  readonly value: number;
}

export class CountedHistogram {
  readonly #help: string;
  readonly name: string;
  #fresh: Row[] = [];
  #rows: Row[] = [];

  constructor(registry: Registry, { name, help }: { name: string; help: string }) {
    this.name = name;
    this.#help = help;
    // A registry asks its metrics for no more than what is here.
    registry.registerMetric(this as unknown as Metric);
  }

  /** Of the reading that goes on. */
  add(labels: Record<string, string>, distribution: Distribution): void {
    this.#fresh.push({ labels, distribution });
  }

  /** The reading is over: scrapes see it. */
  publish(): void {
    this.#rows = this.#fresh;
    this.#fresh = [];
  }

  /** The reading has failed: scrapes see the one before. */
  discard(): void { this.#fresh = []; }

  get(): Promise<{ name: string; help: string; type: 'histogram'; values: Value[]; aggregator: 'sum' }> {
    const { name } = this;
    const values = this.#rows.flatMap(({ labels, distribution: { bounds, buckets, sum } }): Value[] => {
      let count = 0;
      const rows = buckets.map((more, index) => {
        count += more;
        return { metricName: `${name}_bucket`, labels: { ...labels, le: index < bounds.length ? String(bounds[index]) : '+Inf' }, value: count };
      });
      return [...rows, { metricName: `${name}_sum`, labels, value: sum }, { metricName: `${name}_count`, labels, value: count }];
    });
    return Promise.resolve({ name, help: this.#help, type: 'histogram', values, aggregator: 'sum' });
  }
}
