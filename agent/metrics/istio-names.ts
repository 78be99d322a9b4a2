/** Metrics by the names and labels that Istio gives TCP traffic: a part of names.ts, served with metrics.istioNames. */
import type { MetricEntry } from './names.js';

const labels = [
  'reporter', 'source_workload', 'source_workload_namespace', 'source_canonical_service', 'destination_workload', 'destination_workload_namespace',
  'destination_canonical_service', 'destination_service', 'destination_service_name', 'destination_service_namespace', 'request_protocol',
  'response_flags', 'connection_security_policy',
] as const;

export const ISTIO_METRICS = {
  istio_tcp_connections_opened_total: { type: 'counter', help: 'With metrics.istioNames: connections between two local services.', labels },
  istio_tcp_received_bytes_total: { type: 'counter', help: 'With metrics.istioNames: bytes that clients sent to servers.', labels },
  istio_tcp_sent_bytes_total: { type: 'counter', help: 'With metrics.istioNames: bytes that servers sent to clients.', labels },
} as const satisfies Record<string, MetricEntry>;
