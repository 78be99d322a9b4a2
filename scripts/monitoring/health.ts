/** The dashboard of the agents themselves. */
import { chosen as m } from './metric.js';
import type { Dashboard } from './panels.js';

const own = (name: string): string => `${name}{job=~"$job", instance=~"$instance"}`;
const r = (selector: string): string => `rate(${selector}[$__rate_interval])`;
const each = '{{instance}}';

export const health: Dashboard = {
  name: 'health',
  title: 'Sidestep / Agent health',
  description: 'What the agents cost, how full their maps are, and whether their configuration is in force.',
  rows: [
    {
      title: 'State',
      panels: [
        { title: 'Reload failed', description: 'Agents whose latest configuration did not load.', unit: 'short', kind: 'stat', width: 6, thresholds: [1, 1], queries: [{ expr: `count(${m('sidestep_config_last_reload_successful')} == 0) or vector(0)` }] },
        { title: 'Not accelerating', description: 'Nodes whose datapath is off.', unit: 'short', kind: 'stat', width: 6, thresholds: [1, 1], queries: [{ expr: `sum(${m('sidestep_datapath_mode', 'mode="off"')})` }] },
        { title: 'Switched off', description: 'Nodes on which nothing may be redirected.', unit: 'short', kind: 'stat', width: 6, thresholds: [1, 1], queries: [{ expr: `count(${m('sidestep_enabled')} == 0) or vector(0)` }] },
        { title: 'Scrape errors', description: 'Readings of the kernel that failed within an hour.', unit: 'short', kind: 'stat', width: 6, thresholds: [1, 3], queries: [{ expr: `sum(increase(${m('sidestep_scrape_errors_total')}[1h]))` }] },
        {
          title: 'Agents', description: 'Version, layout of the maps and runtime.', unit: 'none', kind: 'table', width: 24, height: 6,
          queries: [{ expr: `max by (instance, version, layout, node) (${m('sidestep_build_info')})` }],
          columns: { instance: 'Node', version: 'Version', layout: 'Layout', node: 'Node.js' },
        },
      ],
    },
    {
      title: 'Maps',
      panels: [
        { title: 'How full', description: 'Entries of each map, as a share of its capacity.', unit: 'percentunit', queries: [{ expr: `max by (map) (${m('sidestep_map_entries')} / (${m('sidestep_map_capacity')} > 0))`, legend: '{{map}}' }] },
        { title: 'Maps under pressure', description: '80 % full or more, where overflow costs something.', unit: 'short', queries: [{ expr: `sum by (map) (${m('sidestep_map_pressure')})`, legend: '{{map}}' }] },
        { title: 'Lost events', description: 'Lines that are missing in the log.', unit: 'ops', queries: [{ expr: `sum by (instance) (${r(m('sidestep_events_lost_total'))})`, legend: each }] },
        { title: 'Programs', description: 'Kernel programs that are loaded.', unit: 'short', queries: [{ expr: m('sidestep_programs_loaded'), legend: each }] },
      ],
    },
    {
      title: 'Cost',
      panels: [
        { title: 'Processor', description: 'Of the agent process; 1 is one whole core.', unit: 'percentunit', queries: [{ expr: r(own('process_cpu_seconds_total')), legend: each }] },
        { title: 'Memory', description: 'Resident memory of the agent process, without kernel maps.', unit: 'bytes', queries: [{ expr: own('process_resident_memory_bytes'), legend: each }] },
        { title: 'Reading the kernel', description: 'Time that one scrape takes.', unit: 's', queries: [{ expr: m('sidestep_scrape_duration_seconds'), legend: each }] },
        { title: 'Loop delay', description: 'What the event loop makes others wait, 99th percentile. Its samples are counted from one to the next, whose interval is taken off.', unit: 's', queries: [{ expr: `${own('nodejs_eventloop_lag_p99_seconds')} - ${own('nodejs_eventloop_lag_min_seconds')}`, legend: each }] },
      ],
    },
  ],
};
