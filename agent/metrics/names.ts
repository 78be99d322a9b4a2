/** The table of metrics. docs/metrics.md is generated from it, and nothing is exported that is not in it. */
import type { Distribution } from './histogram.js';
import { FRONTDOOR_METRICS } from './frontdoor-names.js';
import { ISTIO_METRICS } from './istio-names.js';
import { KUBERNETES_METRICS } from './kubernetes-names.js';
import { MESH_METRICS } from './mesh-names.js';

export interface MetricEntry {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels: readonly string[];
}

const edgeLabels = ['client', 'server', 'port', 'direction', 'path'] as const;

const listenerLabels = ['port', 'protocol', 'workload', 'listener'] as const;

export const METRICS = {
  sidestep_connections_total: {
    type: 'counter',
    help: 'Local connections, by whether they were accelerated, and why not.',
    labels: ['result', 'reason'],
  },
  sidestep_messages_total: {
    type: 'counter',
    help: 'Messages sent on enrolled sockets, by the path they took, and why not the short one.',
    labels: ['path', 'reason'],
  },
  sidestep_bytes_total: {
    type: 'counter',
    help: 'Bytes sent on enrolled sockets, by the path they took, and why not the short one.',
    labels: ['path', 'reason'],
  },
  sidestep_edge_bytes_total: {
    type: 'counter',
    help: 'Bytes between two local services; request is what the client sent, response what the server sent. Of brief connections an estimate (placement.follow).',
    labels: edgeLabels,
  },
  sidestep_edge_messages_total: {
    type: 'counter',
    help: 'Messages between two local services; request is what the client sent, response what the server sent. Of brief connections an estimate (placement.follow).',
    labels: edgeLabels,
  },
  sidestep_edge_connections_total: {
    type: 'counter',
    help: 'Connections between two local services, by whether they were accelerated.',
    labels: ['client', 'server', 'port', 'result'],
  },
  sidestep_active_pairs: { type: 'gauge', help: 'Pairs that live now, by state.', labels: ['state'] },
  sidestep_workloads: {
    type: 'gauge',
    help: 'Workloads (executable and cgroup) that listened, connected or read on this host: clean, judged one by one (blocking), unsafe, or not yet known (learning).',
    labels: ['verdict'],
  },
  sidestep_map_entries: { type: 'gauge', help: 'Entries in a kernel map.', labels: ['map'] },
  sidestep_map_capacity: { type: 'gauge', help: 'Most entries that a kernel map can hold.', labels: ['map'] },
  sidestep_map_pressure: {
    type: 'gauge',
    help: '1 when a map whose overflow costs something is 80 % full or more, else 0.',
    labels: ['map'],
  },
  sidestep_programs_loaded: { type: 'gauge', help: 'Kernel programs that are loaded.', labels: [] },
  sidestep_program_info: {
    type: 'gauge',
    help: 'One series per loaded kernel program; always 1. The tag is the hash of its instructions.',
    labels: ['program', 'type', 'tag'],
  },
  sidestep_build_info: { type: 'gauge', help: 'What runs; always 1.', labels: ['version', 'layout', 'node'] },
  sidestep_datapath_mode: { type: 'gauge', help: '1 for the mode in force, 0 for the others.', labels: ['mode'] },
  sidestep_enabled: { type: 'gauge', help: '1 while messages may be redirected.', labels: [] },
  sidestep_events_lost_total: {
    type: 'counter',
    help: 'Connection events that found the ring buffer full. Only the log misses them; counters do not.',
    labels: [],
  },
  sidestep_closed_unread_total: {
    type: 'counter',
    help: 'Sockets closed with bytes unread in the one queue; the agent resets the other end, where TCP would have done so.',
    labels: [],
  },
  sidestep_resets_total: {
    type: 'counter',
    help: 'Connections that the agent reset: bytes waited for a reader that can never read them, or an end closed with bytes unread.',
    labels: [],
  },
  sidestep_streams_total: {
    type: 'counter',
    help: 'Pairs that left the map because they stream small messages one way (to="tcp"), and of them those that came back (to="map").',
    labels: ['to'],
  },
  sidestep_tcp_queue_messages_total: {
    type: 'counter',
    help: 'Packets that came over TCP and were moved into the one queue of an enrolled socket.',
    labels: [],
  },
  sidestep_tcp_queue_bytes_total: {
    type: 'counter',
    help: 'Bytes that came over TCP and were moved into the one queue of an enrolled socket.',
    labels: [],
  },
  sidestep_tcp_queue_repeated_bytes_total: {
    type: 'counter',
    help: 'Of them, those that an enrolled socket had already: TCP sent them again together with others, and they were cut off.',
    labels: [],
  },
  sidestep_queue_wait_seconds: {
    type: 'histogram',
    help: 'With metrics.queueWait: how long redirected messages that found their queue empty waited until the client or the server read them, measured in the kernel on one in 64 of each connection.',
    labels: ['reader'],
  },
  ...MESH_METRICS,
  ...KUBERNETES_METRICS,
  ...ISTIO_METRICS,
  ...FRONTDOOR_METRICS,
  sidestep_reuseport_groups: {
    type: 'gauge',
    help: 'Groups of listeners that share a port, by whether they are balanced, and why not.',
    labels: ['why'],
  },
  sidestep_reuseport_listeners: {
    type: 'gauge',
    help: 'Listeners of balanced groups: ready, busy (with what they have accepted), draining (of an older generation), new (in their grace time), stuck, full, or unlisted.',
    labels: ['port', 'protocol', 'state'],
  },
  sidestep_reuseport_selections_total: {
    type: 'counter',
    help: 'Connections, or datagrams, that a listener was given. `listener` is the cookie of its socket.',
    labels: listenerLabels,
  },
  sidestep_reuseport_migrations_total: {
    type: 'counter',
    help: 'Connections that came to a listener from one that closed.',
    labels: listenerLabels,
  },
  sidestep_reuseport_skips_total: {
    type: 'counter',
    help: 'Choices in which a listener was passed over, and why.',
    labels: [...listenerLabels, 'reason'],
  },
  sidestep_reuseport_queue_depth: {
    type: 'gauge',
    help: 'Connections that wait to be accepted, or bytes of datagrams that wait to be read.',
    labels: listenerLabels,
  },
  sidestep_reuseport_queue_wait_seconds: {
    type: 'gauge',
    help: 'How long the oldest of them has waited.',
    labels: listenerLabels,
  },
  sidestep_reuseport_fallbacks_total: {
    type: 'counter',
    help: 'Connections of balanced groups that were left to the hash of the kernel, and why.',
    labels: ['port', 'protocol', 'reason'],
  },
  sidestep_scrape_duration_seconds: {
    type: 'gauge',
    help: 'Time that the latest reading of the kernel counters took.',
    labels: [],
  },
  sidestep_scrape_errors_total: {
    type: 'counter',
    help: 'Readings of the kernel counters that failed; the values are then those of the last good one.',
    labels: [],
  },
  sidestep_config_last_reload_successful: {
    type: 'gauge',
    help: '1 when the latest configuration loaded.',
    labels: [],
  },
  sidestep_config_last_reload_success_timestamp_seconds: {
    type: 'gauge',
    help: 'When the configuration in force was loaded, in seconds since the epoch.',
    labels: [],
  },
} as const satisfies Record<string, MetricEntry>;

export type MetricName = keyof typeof METRICS;
export type CounterName = { [N in MetricName]: (typeof METRICS)[N]['type'] extends 'counter' ? N : never }[MetricName];
export type HistogramName = { [N in MetricName]: (typeof METRICS)[N]['type'] extends 'histogram' ? N : never }[MetricName];
/** What a reading says of a metric. */
export type ValueOf<N extends MetricName> = (typeof METRICS)[N]['type'] extends 'histogram' ? Distribution : number;
export type LabelsOf<N extends MetricName> = Record<(typeof METRICS)[N]['labels'][number], string>;
