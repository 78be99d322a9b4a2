/** Metrics of services and of the bus: a part of names.ts. Series are per service, never per endpoint. */
import type { MetricEntry } from './names.js';

export const MESH_METRICS = {
  sidestep_service_endpoints: { type: 'gauge', help: 'Endpoints of a service, by state: up, draining or down.', labels: ['service', 'state'] },
  sidestep_service_connections: { type: 'gauge', help: 'Connections of this host to a service that are open or being opened.', labels: ['service'] },
  sidestep_service_picks_total: {
    type: 'counter',
    help: 'Connections and datagram flows that were given an endpoint, by the tier that it came from: host, zone, all, or affinity for those that kept theirs.',
    labels: ['service', 'tier'],
  },
  sidestep_service_refused_total: {
    type: 'counter',
    help: 'Connections that were refused with ECONNREFUSED: no_endpoint, or connections (over maxConnections).',
    labels: ['service', 'reason'],
  },
  sidestep_service_connect_seconds: {
    type: 'histogram',
    help: 'How long connections of this host to a service took to be established, measured in the kernel.',
    labels: ['service'],
  },
  sidestep_table_swaps_total: { type: 'counter', help: 'Tables of services that were replaced in the kernel.', labels: [] },
  sidestep_table_failures_total: { type: 'counter', help: 'Changes of services or endpoints that the kernel did not take.', labels: [] },
  sidestep_tuning_connections_total: { type: 'counter', help: 'Connections that a rule of `tuning` fitted, by its place in the list.', labels: ['rule'] },
  sidestep_tuning_refused_total: { type: 'counter', help: 'Settings of a rule that the kernel refused, or gave less of.', labels: ['rule', 'setting'] },
  sidestep_health_checks_total: { type: 'counter', help: 'Active health checks, by result: good or bad.', labels: ['result'] },
  sidestep_bus_synced: { type: 'gauge', help: '1 while the endpoints of other hosts are followed; absent without a bus.', labels: [] },
  sidestep_bus_hosts: { type: 'gauge', help: 'Other hosts that have given a sign of life.', labels: [] },
  sidestep_bus_endpoints: { type: 'gauge', help: 'Endpoints that are known, by kind: all, held (vanished from the bus, kept until their leases run out), own (published by this host), unpublished (not taken by the bus yet).', labels: ['kind'] },
  sidestep_bus_entries_total: { type: 'counter', help: 'Entries that came over the bus, by result: taken, or rejected as malformed or not of their owner.', labels: ['result'] },
  sidestep_bus_reconnects_total: { type: 'counter', help: 'Times that the connection to the bus came back.', labels: [] },
  sidestep_bus_compares_total: { type: 'counter', help: 'Times that everything on the bus was read.', labels: [] },
  sidestep_bus_quiet_seconds: { type: 'gauge', help: 'Time since the last entry came over the bus; own signs of life count.', labels: [] },
  sidestep_bus_server_restarts_total: { type: 'counter', help: 'Times that the embedded nats-server had to be started again.', labels: [] },
  sidestep_endpoints_refused_total: { type: 'counter', help: 'Endpoints that found no room (mesh.maxEndpoints).', labels: [] },
} as const satisfies Record<string, MetricEntry>;
