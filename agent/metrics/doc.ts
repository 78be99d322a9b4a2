/** docs/metrics.md. */
import { METRICS } from './names.js';

export function metricsDoc(): string {
  const rows = Object.entries(METRICS).map(
    ([name, { type, help, labels }]) =>
      `| \`${name}\` | ${type} | ${labels.map((label) => `\`${label}\``).join(', ')} | ${help} |`,
  );
  return [
    '# Metrics',
    '',
    'Generated from agent/metrics/names.ts. Served at `/metrics`, as OpenMetrics to those who ask for it, together with',
    'the `process_` and `nodejs_` metrics of the agent itself. `reason` is one of the closed list of reasons; series',
    'of services (`sidestep_edge_`) are bounded by `datapath.maxEdges`. `nodejs_eventloop_lag_*` are sampled every 100 ms, and',
    'that interval is part of each value: take `..._min_seconds` off.',
    '',
    '| metric | type | labels | meaning |',
    '| --- | --- | --- | --- |',
    ...rows,
    '',
  ].join('\n');
}
