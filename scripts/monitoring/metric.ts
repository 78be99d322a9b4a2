/** Queries over the metrics of the table in agent/metrics/names.ts: a name that is not in it does not compile. */
import type { HistogramName, MetricName } from '../../agent/metrics/names.js';

/** A selector of one metric, such as `sidestep_bytes_total{path="redirect"}`. */
export type Select = (name: MetricName | `${HistogramName}_bucket`, ...matchers: readonly string[]) => string;

const select = (common: readonly string[]): Select => (name, ...matchers) => {
  const all = [...common, ...matchers].join(', ');
  return all === '' ? name : `${name}{${all}}`;
};

/** For rules: every agent. */
export const all: Select = select([]);

/** For dashboards: those that the variables at the top choose. */
export const chosen: Select = select(['job=~"$job"', 'instance=~"$instance"']);
