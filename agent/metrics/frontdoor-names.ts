/** Metrics of the front door: a part of names.ts. Series are per listener, never per backend. */
import type { MetricEntry } from './names.js';

export const FRONTDOOR_METRICS = {
  sidestep_frontdoor_listeners: { type: 'gauge', help: 'Listeners of the front door, by state: open, draining, failed, or shut (by hand).', labels: ['listener', 'state'] },
  sidestep_frontdoor_active_connections: { type: 'gauge', help: 'Connections through a listener that are open now.', labels: ['listener'] },
  sidestep_frontdoor_backends: {
    type: 'gauge',
    help: 'Backends of a listener: answering, or failing (the latest attempt to connect failed).',
    labels: ['listener', 'state'],
  },
  sidestep_frontdoor_connections_total: {
    type: 'counter',
    help: 'Connections that a listener accepted and that have ended, by how.',
    labels: ['listener', 'outcome'],
  },
  sidestep_frontdoor_direct_calls_total: {
    type: 'counter',
    help: 'Calls of a listener whose path is direct: given (to a backend of this host, past the door), or left to the door because denied, full, gone or unfit.',
    labels: ['listener', 'result'],
  },
  sidestep_frontdoor_bytes_total: {
    type: 'counter',
    help: 'Bytes through a listener: in is from clients to backends, out is back.',
    labels: ['listener', 'direction'],
  },
  sidestep_frontdoor_requests_total: {
    type: 'counter',
    help: 'Requests through a listener that counts them (`requests`), by what became of them.',
    labels: ['listener', 'answer'],
  },
  sidestep_frontdoor_request_seconds: {
    type: 'histogram',
    help: 'From the end of a request to the begin of its answer, as the front door saw both.',
    labels: ['listener'],
  },
  sidestep_frontdoor_unreadable_connections_total: {
    type: 'counter',
    help: 'Connections through a listener that counts requests in which something else was met; from there on nothing of them is counted.',
    labels: ['listener'],
  },
  sidestep_frontdoor_restarts_total: { type: 'counter', help: 'Times that the process of the front door ended by itself and was started again, since the agent started.', labels: [] },
} as const satisfies Record<string, MetricEntry>;
