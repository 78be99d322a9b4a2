/** One reading of the kernel, as samples of the table. No state, no prom-client. */
import { pressures } from '../datapath/pressure.js';
import { REASON_NAMES } from '../datapath/reasons.js';
import { countPairs } from '../datapath/traffic.js';
import { QUEUE_WAIT_BOUNDS, type ByReason, type Datapath, type Edge, type Mode, type PairGroup, type PairState, type Profile, type Traffic } from '../datapath/types.js';
import { VERDICTS, verdictOf } from '../pairs/profiles.js';
import type { LabelsOf, MetricName, ValueOf } from './names.js';

export type Emit = <N extends MetricName>(name: N, labels: LabelsOf<N>, value: ValueOf<N>) => void;

const states: readonly PairState[] = ['half', 'active', 'leaving', 'tcp'];
const modes: readonly Mode[] = ['unified', 'split', 'off'];

// Every reason is there from the start, at zero: a rate needs a first value.
function byPath(emit: Emit, name: 'sidestep_messages_total' | 'sidestep_bytes_total', counts: ByReason): void {
  for (const reason of REASON_NAMES)
    emit(name, { path: reason === 'redirected' ? 'redirect' : 'tcp', reason }, counts[reason]);
}

function emitConnections(emit: Emit, counts: ByReason): void {
  for (const reason of REASON_NAMES) {
    const result = reason === 'redirected' ? 'accelerated' : 'tcp';
    emit('sidestep_connections_total', { result, reason }, counts[reason]);
  }
}

function emitDirection(emit: Emit, edge: Edge, direction: 'request' | 'response', sent: Traffic): void {
  const labels = { client: edge.client, server: edge.server, port: String(edge.port), direction };
  emit('sidestep_edge_bytes_total', { ...labels, path: 'redirect' }, sent.redirectedBytes);
  emit('sidestep_edge_bytes_total', { ...labels, path: 'tcp' }, sent.passedBytes);
  emit('sidestep_edge_messages_total', { ...labels, path: 'redirect' }, sent.redirectedMessages);
  emit('sidestep_edge_messages_total', { ...labels, path: 'tcp' }, sent.passedMessages);
}

function emitEdge(emit: Emit, edge: Edge): void {
  emitDirection(emit, edge, 'request', edge.clientSent);
  emitDirection(emit, edge, 'response', edge.serverSent);
  const labels = { client: edge.client, server: edge.server, port: String(edge.port) };
  emit('sidestep_edge_connections_total', { ...labels, result: 'accelerated' }, edge.accelerated);
  emit('sidestep_edge_connections_total', { ...labels, result: 'tcp' }, edge.connections - edge.accelerated);
}

function emitPairs(emit: Emit, open: readonly PairGroup[]): void {
  for (const state of states) emit('sidestep_active_pairs', { state }, countPairs(open, (group) => group.state === state));
}

function emitWorkloads(emit: Emit, profiles: readonly Profile[]): void {
  for (const verdict of VERDICTS)
    emit('sidestep_workloads', { verdict }, profiles.filter((profile) => verdictOf(profile) === verdict).length);
}

/** What others make more of. */
export interface Reading {
  readonly open: readonly PairGroup[];
  readonly edges: readonly Edge[];
  readonly profiles: readonly Profile[];
}

/** Reads everything before it emits anything, so that a reading that fails leaves no half of itself. */
export function read(datapath: Datapath, emit: Emit): Reading {
  const [info, counters, open, profiles, maps] = [datapath.info(), datapath.counters(), datapath.groups(), datapath.profiles(), datapath.maps()];
  const edges = datapath.edges(open);
  emitConnections(emit, counters.connections);
  byPath(emit, 'sidestep_messages_total', counters.messages);
  byPath(emit, 'sidestep_bytes_total', counters.bytes);
  for (const edge of edges) emitEdge(emit, edge);
  emitPairs(emit, open);
  emitWorkloads(emit, profiles);
  for (const { name, entries, capacity } of maps) {
    emit('sidestep_map_entries', { map: name }, entries);
    emit('sidestep_map_capacity', { map: name }, capacity);
  }
  for (const { map, tight } of pressures(maps)) emit('sidestep_map_pressure', { map }, tight ? 1 : 0);
  emit('sidestep_programs_loaded', {}, info.programs.length);
  for (const { name, type, tag } of info.programs) emit('sidestep_program_info', { program: name, type, tag }, 1);
  for (const mode of modes) emit('sidestep_datapath_mode', { mode }, info.mode === mode ? 1 : 0);
  emit('sidestep_enabled', {}, info.enabled ? 1 : 0);
  emit('sidestep_events_lost_total', {}, counters.eventsLost);
  emit('sidestep_closed_unread_total', {}, counters.closedUnread);
  emit('sidestep_resets_total', {}, counters.resets);
  emit('sidestep_streams_total', { to: 'tcp' }, counters.streamsLeft);
  emit('sidestep_streams_total', { to: 'map' }, counters.streamsBack);
  emit('sidestep_tcp_queue_messages_total', {}, counters.tcpInMessages);
  emit('sidestep_tcp_queue_bytes_total', {}, counters.tcpInBytes);
  emit('sidestep_tcp_queue_repeated_bytes_total', {}, counters.tcpRepeatedBytes);
  for (const reader of ['client', 'server'] as const) {
    const waits = counters.queueWaits?.[reader];
    if (waits) emit('sidestep_queue_wait_seconds', { reader }, { bounds: QUEUE_WAIT_BOUNDS, buckets: waits.buckets, sum: waits.sumNs / 1e9 });
  }
  return { open, edges, profiles };
}
