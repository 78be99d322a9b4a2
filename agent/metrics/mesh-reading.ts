/** One reading of services and bus, as samples of the table. */
import type { Mesh } from '../mesh/mesh.js';
import { CONNECT_TIME_BOUNDS, REFUSALS, TIERS } from '../mesh/types.js';
import type { Emit } from './reading.js';

export type MeshSource = Pick<Mesh, 'services' | 'bus' | 'rules' | 'swaps' | 'writeFailures' | 'checks'>;

function emitServices(mesh: MeshSource, emit: Emit): void {
  for (const { name: service, up, draining, down, connections, picks, kept, refused, connectTimes } of mesh.services()) {
    for (const [state, value] of Object.entries({ up, draining, down })) emit('sidestep_service_endpoints', { service, state }, value);
    emit('sidestep_service_connections', { service }, connections);
    for (const tier of TIERS) emit('sidestep_service_picks_total', { service, tier }, picks[tier]);
    emit('sidestep_service_picks_total', { service, tier: 'affinity' }, kept);
    for (const reason of REFUSALS) emit('sidestep_service_refused_total', { service, reason }, refused[reason]);
    if (connectTimes.buckets.length > 0) emit('sidestep_service_connect_seconds', { service }, { bounds: CONNECT_TIME_BOUNDS, buckets: connectTimes.buckets, sum: connectTimes.sumNs / 1e9 });
  }
}

function emitBus(mesh: MeshSource, emit: Emit): void {
  const { registry, endpoints, refused, restarts } = mesh.bus();
  emit('sidestep_endpoints_refused_total', {}, refused);
  if (!registry) return;
  emit('sidestep_bus_synced', {}, registry.state === 'synced' ? 1 : 0);
  emit('sidestep_bus_hosts', {}, registry.hosts);
  const kinds = { all: endpoints, held: registry.held, own: registry.published, unpublished: registry.unpublished };
  for (const [kind, value] of Object.entries(kinds)) emit('sidestep_bus_endpoints', { kind }, value);
  emit('sidestep_bus_entries_total', { result: 'taken' }, registry.received);
  emit('sidestep_bus_entries_total', { result: 'rejected' }, registry.rejected);
  emit('sidestep_bus_reconnects_total', {}, registry.reconnects);
  emit('sidestep_bus_compares_total', {}, registry.compares);
  if (registry.quietMs !== undefined) emit('sidestep_bus_quiet_seconds', {}, registry.quietMs / 1000);
  emit('sidestep_bus_server_restarts_total', {}, restarts);
}

function emitRules(mesh: MeshSource, emit: Emit): void {
  for (const { index, connections, refused } of mesh.rules()) {
    const rule = String(index);
    emit('sidestep_tuning_connections_total', { rule }, connections);
    for (const { option: setting, times } of refused) emit('sidestep_tuning_refused_total', { rule, setting }, times);
  }
}

export function readMesh(mesh: MeshSource, emit: Emit): void {
  emitServices(mesh, emit);
  emitBus(mesh, emit);
  emitRules(mesh, emit);
  emit('sidestep_table_swaps_total', {}, mesh.swaps);
  emit('sidestep_table_failures_total', {}, mesh.writeFailures);
  const { made, failed } = mesh.checks;
  emit('sidestep_health_checks_total', { result: 'good' }, made - failed);
  emit('sidestep_health_checks_total', { result: 'bad' }, failed);
}
