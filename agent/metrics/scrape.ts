/** One scrape: refresh, then text in the format that the caller asked for. */
import { Registry } from 'prom-client';
import type { Collector } from './collector.js';

export interface Scrape {
  readonly contentType: string;
  readonly text: string;
}

/** True when OpenMetrics is asked for by name. */
export const wantsOpenMetrics = (accept: string): boolean => /application\/openmetrics-text/i.test(accept);

export class Scraper {
  #last: Promise<unknown> = Promise.resolve();

  constructor(private readonly collector: Collector) {}

  /** One after the other: prom-client keeps the format in the registry. */
  scrape(accept: string): Promise<Scrape> {
    const next = this.#last.then(() => this.#render(wantsOpenMetrics(accept)));
    this.#last = next.catch(() => undefined);
    return next;
  }

  async #render(openMetrics: boolean): Promise<Scrape> {
    this.collector.refresh();
    const registry = this.collector.registry as Registry<never>;
    const contentType = openMetrics ? Registry.OPENMETRICS_CONTENT_TYPE : Registry.PROMETHEUS_CONTENT_TYPE;
    // For OpenMetrics prom-client takes `_total` off the names of counters, and does not put it back.
    const metrics = registry.getMetricsAsArray();
    const names = metrics.map(({ name }) => name);
    try {
      registry.setContentType(contentType as never);
      return { contentType, text: await registry.metrics() };
    } finally {
      metrics.forEach((metric, index) => { metric.name = names[index] ?? metric.name; });
    }
  }
}
