/** Metrics of the Kubernetes source: a part of names.ts. Nothing is labelled by pod: pods come and go, workloads stay. */
import type { MetricEntry } from './names.js';

const kind = ['kind'] as const;

export const KUBERNETES_METRICS = {
  sidestep_kubernetes_synced: {
    type: 'gauge',
    help: '1 while the objects of this kind are followed, 0 while what is known of them may be old; absent without Kubernetes.',
    labels: kind,
  },
  sidestep_kubernetes_quiet_seconds: {
    type: 'gauge',
    help: 'Time since the API server was last heard about this kind; where nothing changes it is asked again after four minutes.',
    labels: kind,
  },
  sidestep_kubernetes_objects: { type: 'gauge', help: 'Objects of this kind that are kept.', labels: kind },
  sidestep_kubernetes_events_total: { type: 'counter', help: 'Changes that came one by one.', labels: kind },
  sidestep_kubernetes_lists_total: { type: 'counter', help: 'Times that all objects of this kind were read and compared.', labels: kind },
  sidestep_kubernetes_failures_total: { type: 'counter', help: 'Requests to the API server that failed.', labels: kind },
  sidestep_kubernetes_services: { type: 'gauge', help: 'Services of Kubernetes that are balanced.', labels: [] },
  sidestep_kubernetes_opt_outs: { type: 'gauge', help: 'Pods of this node that an annotation excludes, all of them or some ports, or that are only observed.', labels: [] },
  sidestep_kubernetes_opt_outs_without_room: { type: 'gauge', help: 'Annotations of pods for which there was no room among the 128 selectors: these pods are accelerated.', labels: [] },
  sidestep_workload_connections: {
    type: 'gauge',
    help: 'Open local connections between workloads of Kubernetes, by whether they are accelerated. Empty labels: no pod. `other`: beyond datapath.maxEdges.',
    labels: ['client_namespace', 'client_workload', 'server_namespace', 'server_workload', 'port', 'result'],
  },
  sidestep_owner_info: {
    type: 'gauge',
    help: 'Whose program it is that the service edges name; always 1. `several` where more than one workload of this node runs it.',
    labels: ['program', 'namespace', 'workload'],
  },
} as const satisfies Record<string, MetricEntry>;
