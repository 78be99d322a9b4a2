/** The dashboards: what a person asks first, second and last. Every query is run by test/monitoring. */
import { health } from './health.js';
import { chosen as m } from './metric.js';
import type { Dashboard, Panel } from './panels.js';

const r = (selector: string): string => `rate(${selector}[$__rate_interval])`;
const share = (all: string, part: string): string => `${part} / (${all} > 0) or ${all} * 0`;

// Of the edges: they know what TCP carried of connections that are not enrolled, too.
const redirected = `sum(${r(m('sidestep_edge_bytes_total', 'path="redirect"'))})`;
const allBytes = `sum(${r(m('sidestep_edge_bytes_total'))})`;

const edgeBy = 'client, server, port';
const workloads = 'client_namespace, client_workload, server_namespace, server_workload, port';

const overview: Dashboard = {
  name: 'overview',
  title: 'Sidestep / Overview',
  description: 'Who talks to whom on the nodes, and what share of it steps around the TCP/IP stack.',
  rows: [
    {
      title: 'At a glance',
      panels: [
        { title: 'Share around TCP', description: 'Bytes of local connections that stepped around the stack.', unit: 'percentunit', kind: 'stat', width: 6, queries: [{ expr: share(allBytes, redirected) }] },
        { title: 'Around TCP', description: 'Bytes that stepped around the stack.', unit: 'Bps', kind: 'stat', width: 6, queries: [{ expr: redirected }] },
        { title: 'Accelerated connections', description: 'Pairs that are active now.', unit: 'short', kind: 'stat', width: 6, queries: [{ expr: `sum(${m('sidestep_active_pairs', 'state="active"')})` }] },
        { title: 'Nodes', description: 'Agents that answer.', unit: 'short', kind: 'stat', width: 6, queries: [{ expr: `count(${m('sidestep_build_info')})` }] },
      ],
    },
    {
      title: 'Traffic',
      panels: [
        { title: 'Bytes by path', description: 'Bytes of local connections, by the path they took.', unit: 'Bps', stacked: true, queries: [{ expr: `sum by (path) (${r(m('sidestep_edge_bytes_total'))})`, legend: '{{path}}' }] },
        { title: 'Share around TCP by node', description: 'The same share, node by node.', unit: 'percentunit', queries: [{ expr: share(`sum by (instance) (${r(m('sidestep_edge_bytes_total'))})`, `sum by (instance) (${r(m('sidestep_edge_bytes_total', 'path="redirect"'))})`), legend: '{{instance}}' }] },
      ],
    },
    {
      title: 'Who talks to whom',
      panels: [
        {
          title: 'Services by traffic', description: 'The twenty busiest pairs of local services.', unit: 'Bps', kind: 'table', width: 24, height: 10,
          queries: [
            { expr: `topk(20, sum by (${edgeBy}) (${r(m('sidestep_edge_bytes_total'))}))` },
            { expr: `sum by (${edgeBy}) (${r(m('sidestep_edge_bytes_total', 'path="redirect"'))}) and on (${edgeBy}) topk(20, sum by (${edgeBy}) (${r(m('sidestep_edge_bytes_total'))}))` },
          ],
          columns: { client: 'Client', server: 'Server', port: 'Port', 'Value #A': 'Bytes', 'Value #B': 'Around TCP' }, largest: 'Bytes',
        },
        { title: 'Busiest services', description: 'Bytes of the ten busiest pairs of services.', unit: 'Bps', queries: [{ expr: `topk(10, sum by (${edgeBy}) (${r(m('sidestep_edge_bytes_total'))}))`, legend: '{{client}} to {{server}}:{{port}}' }] },
        { title: 'New connections by service', description: 'Connections that were opened between local services.', unit: 'cps', queries: [{ expr: `topk(10, sum by (${edgeBy}) (${r(m('sidestep_edge_connections_total'))}))`, legend: '{{client}} to {{server}}:{{port}}' }] },
      ],
    },
  ],
};

const byReason = (title: string, description: string, unit: Panel['unit'], selector: string): Panel => ({
  title, description, unit, stacked: true, queries: [{ expr: `sum by (reason) (${r(selector)})`, legend: '{{reason}}' }],
});

const reasons: Dashboard = {
  name: 'reasons',
  title: 'Sidestep / Acceleration and reasons',
  description: 'What is accelerated, what is not, and why. docs/metrics.md and the README explain each reason.',
  rows: [
    {
      title: 'Connections',
      panels: [
        { title: 'New ones, accelerated', description: 'Of the local connections that were opened, those that were accelerated. Those that stay open count once.', unit: 'percentunit', kind: 'stat', width: 6, queries: [{ expr: share(`sum(${r(m('sidestep_connections_total', 'reason!="remote"'))})`, `sum(${r(m('sidestep_connections_total', 'result="accelerated"'))})`) }] },
        { title: 'Live pairs', description: 'Pairs that live now, by state.', unit: 'short', kind: 'bargauge', width: 9, height: 4, queries: [{ expr: `sum by (state) (${m('sidestep_active_pairs')})`, legend: '{{state}}' }] },
        { title: 'Workloads', description: 'Programs by how they read: only clean ones are enrolled at once.', unit: 'short', kind: 'bargauge', width: 9, height: 4, queries: [{ expr: `sum by (verdict) (${m('sidestep_workloads')})`, legend: '{{verdict}}' }] },
        byReason('New connections by reason', 'redirected: accelerated. remote ends are on other hosts.', 'cps', m('sidestep_connections_total')),
        { title: 'Refused, without remote ones', description: 'Why local connections were not accelerated.', unit: 'cps', stacked: true, queries: [{ expr: `sum by (reason) (${r(m('sidestep_connections_total', 'result="tcp"', 'reason!="remote"'))})`, legend: '{{reason}}' }] },
      ],
    },
    {
      title: 'Messages',
      panels: [
        byReason('Messages by reason', 'Messages on enrolled sockets.', 'mps', m('sidestep_messages_total')),
        byReason('Bytes over TCP by reason', 'Bytes on enrolled sockets that took TCP all the same.', 'Bps', m('sidestep_bytes_total', 'path="tcp"')),
        { title: 'Streams', description: 'Pairs that left the map because they stream one way (tcp), and those of them that came back (map).', unit: 'ops', queries: [{ expr: `sum by (to) (${r(m('sidestep_streams_total'))})`, legend: '{{to}}' }] },
        { title: 'One queue', description: 'Bytes that came over TCP to enrolled sockets and joined the queue of the redirected ones; repeated: TCP had sent them twice, and they were cut off.', unit: 'Bps', queries: [{ expr: `sum(${r(m('sidestep_tcp_queue_bytes_total'))})`, legend: 'joined' }, { expr: `sum(${r(m('sidestep_tcp_queue_repeated_bytes_total'))})`, legend: 'repeated' }] },
        { title: 'Wait in queues', description: 'How long redirected messages that found their queue empty waited until the client or the server read them: the middle one, and the slowest of a hundred. Empty unless metrics.queueWait is on.', unit: 's', width: 24, queries: [50, 99].map((percent) => ({ expr: `histogram_quantile(${percent / 100}, sum by (reader, le) (${r(m('sidestep_queue_wait_seconds_bucket'))})) >= 0`, legend: `{{reader}} p${percent}` })) },
      ],
    },
    {
      title: 'What should not happen',
      panels: [
        { title: 'Resets', description: 'Connections that the agent reset.', unit: 'ops', queries: [{ expr: `sum by (instance) (${r(m('sidestep_resets_total'))})`, legend: '{{instance}}' }] },
        { title: 'Closed with bytes unread', description: 'Sockets that were closed before everything was read.', unit: 'ops', queries: [{ expr: `sum by (instance) (${r(m('sidestep_closed_unread_total'))})`, legend: '{{instance}}' }] },
      ],
    },
  ],
};

const services: Dashboard = {
  name: 'services',
  title: 'Sidestep / Services and balancing',
  description: 'Services with virtual addresses, the bus between hosts, and listeners that share a port.',
  rows: [
    {
      title: 'Services',
      panels: [
        { title: 'Endpoints by state', description: 'As the agent that knows most sees them.', unit: 'short', queries: [{ expr: `max by (service, state) (${m('sidestep_service_endpoints')})`, legend: '{{service}} {{state}}' }] },
        { title: 'Open connections', description: 'Connections to services from these nodes.', unit: 'short', queries: [{ expr: `sum by (service) (${m('sidestep_service_connections')})`, legend: '{{service}}' }] },
        { title: 'Time to connect', description: 'How long connections of these nodes to a service took to be established, measured in the kernel: the middle one, and the slowest of a hundred.', unit: 's', queries: [50, 99].map((percent) => ({ expr: `histogram_quantile(${percent / 100}, sum by (service, le) (${r(m('sidestep_service_connect_seconds_bucket'))})) >= 0`, legend: `{{service}} p${percent}` })) },
        { title: 'Picks by tier', description: 'Where endpoints came from: this host, this zone, anywhere.', unit: 'cps', stacked: true, queries: [{ expr: `sum by (tier) (${r(m('sidestep_service_picks_total'))})`, legend: '{{tier}}' }] },
        { title: 'Refused', description: 'Connections that were refused.', unit: 'cps', queries: [{ expr: `sum by (service, reason) (${r(m('sidestep_service_refused_total'))})`, legend: '{{service}} {{reason}}' }] },
        { title: 'Health checks', description: 'Active checks, by result.', unit: 'ops', queries: [{ expr: `sum by (result) (${r(m('sidestep_health_checks_total'))})`, legend: '{{result}}' }] },
        { title: 'Tables', description: 'Tables that were replaced in the kernel, and changes that it did not take.', unit: 'ops', queries: [{ expr: `sum(${r(m('sidestep_table_swaps_total'))})`, legend: 'replaced' }, { expr: `sum(${r(m('sidestep_table_failures_total'))})`, legend: 'failed' }] },
        { title: 'Tuned connections', description: 'Connections that a rule of `tuning` fitted, by its place in the list.', unit: 'cps', queries: [{ expr: `sum by (rule) (${r(m('sidestep_tuning_connections_total'))})`, legend: 'rule {{rule}}' }] },
      ],
    },
    {
      title: 'Bus',
      panels: [
        { title: 'Synced', description: 'Agents that follow the endpoints of other hosts.', unit: 'short', kind: 'stat', width: 6, queries: [{ expr: `sum(${m('sidestep_bus_synced')})` }] },
        { title: 'Quiet for', description: 'Longest time without an entry; own signs of life count.', unit: 's', kind: 'stat', width: 6, thresholds: [30, 120], queries: [{ expr: `max(${m('sidestep_bus_quiet_seconds')})` }] },
        { title: 'Other hosts', description: 'Hosts that gave a sign of life.', unit: 'short', kind: 'stat', width: 6, queries: [{ expr: `max(${m('sidestep_bus_hosts')})` }] },
        { title: 'Rejected entries', description: 'Malformed, or not of their owner.', unit: 'ops', kind: 'stat', width: 6, queries: [{ expr: `sum(${r(m('sidestep_bus_entries_total', 'result="rejected"'))})` }] },
        { title: 'Known endpoints', description: 'By kind; held ones have vanished and wait for their lease to end.', unit: 'short', queries: [{ expr: `max by (kind) (${m('sidestep_bus_endpoints')})`, legend: '{{kind}}' }] },
        { title: 'Entries and reconnects', description: 'What came over the bus.', unit: 'ops', queries: [{ expr: `sum by (result) (${r(m('sidestep_bus_entries_total'))})`, legend: '{{result}}' }, { expr: `sum(${r(m('sidestep_bus_reconnects_total'))})`, legend: 'reconnects' }] },
      ],
    },
    {
      title: 'Front door',
      panels: [
        { title: 'Open connections from other hosts', description: 'Through the front door, by listener.', unit: 'short', queries: [{ expr: `sum by (listener) (${m('sidestep_frontdoor_active_connections')})`, legend: '{{listener}}' }] },
        { title: 'Past the door', description: 'Calls of listeners with `path: direct`: given to a backend of this host, or left to the door, by why.', unit: 'cps', stacked: true, queries: [{ expr: `sum by (listener, result) (${r(m('sidestep_frontdoor_direct_calls_total'))})`, legend: '{{listener}} {{result}}' }] },
        { title: 'Ended', description: 'How connections ended.', unit: 'cps', stacked: true, queries: [{ expr: `sum by (listener, outcome) (${r(m('sidestep_frontdoor_connections_total'))})`, legend: '{{listener}} {{outcome}}' }] },
        { title: 'Bytes', description: 'In: from clients to backends.', unit: 'Bps', queries: [{ expr: `sum by (listener, direction) (${r(m('sidestep_frontdoor_bytes_total'))})`, legend: '{{listener}} {{direction}}' }] },
        { title: 'Requests', description: 'Through listeners that count them (`requests`), by what became of them.', unit: 'ops', stacked: true, queries: [{ expr: `sum by (listener, answer) (${r(m('sidestep_frontdoor_requests_total'))})`, legend: '{{listener}} {{answer}}' }, { expr: `sum by (listener) (${r(m('sidestep_frontdoor_unreadable_connections_total'))})`, legend: '{{listener}} connections that could not be read' }] },
        { title: 'Time until answers begin', description: 'From the end of a request, as the front door sees both: the middle one, and the slowest of a hundred.', unit: 's', queries: [50, 99].map((percent) => ({ expr: `histogram_quantile(${percent / 100}, sum by (listener, le) (${r(m('sidestep_frontdoor_request_seconds_bucket'))})) >= 0`, legend: `{{listener}} p${percent}` })) },
        { title: 'Listeners and backends', description: 'Listeners that could not be opened or drain, and backends that do not answer; and how often the process of the door had to be started again.', unit: 'short', queries: [{ expr: `sum by (listener, state) (${m('sidestep_frontdoor_listeners', 'state!="open"')})`, legend: '{{listener}} {{state}}' }, { expr: `sum by (listener) (${m('sidestep_frontdoor_backends', 'state="failing"')})`, legend: '{{listener}} backends failing' }, { expr: `sum by (instance) (increase(${m('sidestep_frontdoor_restarts_total')}[$__rate_interval]))`, legend: '{{instance}} started again' }] },
      ],
    },
    {
      title: 'Kubernetes',
      panels: [
        { title: 'Not followed', description: 'Kinds of objects that an agent does not follow at present.', unit: 'short', kind: 'stat', width: 6, thresholds: [1, 1], queries: [{ expr: `count(${m('sidestep_kubernetes_synced')} == 0) or vector(0)` }] },
        { title: 'API server quiet for', description: 'Longest time without a word; where nothing changes up to four minutes.', unit: 's', kind: 'stat', width: 6, thresholds: [300, 600], queries: [{ expr: `max(${m('sidestep_kubernetes_quiet_seconds')})` }] },
        { title: 'Balanced services', description: 'Services of Kubernetes that Sidestep balances.', unit: 'short', kind: 'stat', width: 6, queries: [{ expr: `max(${m('sidestep_kubernetes_services')})` }] },
        { title: 'Pods left alone', description: 'Pods that an annotation excludes or has only observed.', unit: 'short', kind: 'stat', width: 6, queries: [{ expr: `sum(${m('sidestep_kubernetes_opt_outs')})` }] },
        { title: 'Changes', description: 'What came from the API server, by kind.', unit: 'ops', queries: [{ expr: `sum by (kind) (${r(m('sidestep_kubernetes_events_total'))})`, legend: '{{kind}}' }] },
        { title: 'Read anew, and failures', description: 'Times that everything was read, and requests that failed.', unit: 'ops', queries: [{ expr: `sum by (kind) (${r(m('sidestep_kubernetes_lists_total'))})`, legend: '{{kind}} read' }, { expr: `sum by (kind) (${r(m('sidestep_kubernetes_failures_total'))})`, legend: '{{kind}} failed' }] },
        { title: 'Objects', description: 'What the agents keep, by kind.', unit: 'short', queries: [{ expr: `max by (kind) (${m('sidestep_kubernetes_objects')})`, legend: '{{kind}}' }] },
        {
          title: 'Whose programs', description: 'Programs that the edges name, and the workloads that run them.', unit: 'none', kind: 'table', width: 12,
          queries: [{ expr: `max by (instance, program, namespace, workload) (${m('sidestep_owner_info')})` }],
          columns: { instance: 'Node', program: 'Program', namespace: 'Namespace', workload: 'Workload' },
        },
        {
          title: 'Connections between workloads', description: 'Open local connections, by workload of both ends.', unit: 'short', kind: 'table', width: 24,
          queries: [{ expr: `topk(50, sum by (${workloads}, result) (${m('sidestep_workload_connections')}))` }],
          columns: { client_namespace: 'Client namespace', client_workload: 'Client', server_namespace: 'Server namespace', server_workload: 'Server', port: 'Port', result: 'Path', Value: 'Connections' }, largest: 'Connections',
        },
      ],
    },
    {
      title: 'Listeners that share a port',
      panels: [
        { title: 'Listeners by state', description: 'Of balanced groups.', unit: 'short', stacked: true, queries: [{ expr: `sum by (port, protocol, state) (${m('sidestep_reuseport_listeners')})`, legend: '{{port}}/{{protocol}} {{state}}' }] },
        { title: 'Connections by listener', description: 'What each listener was given.', unit: 'cps', queries: [{ expr: `topk(20, sum by (port, workload, listener) (${r(m('sidestep_reuseport_selections_total'))}))`, legend: '{{workload}}:{{port}} {{listener}}' }] },
        { title: 'Longest wait', description: 'How long the oldest connection has waited to be accepted.', unit: 's', queries: [{ expr: `max by (port, workload) (${m('sidestep_reuseport_queue_wait_seconds')})`, legend: '{{workload}}:{{port}}' }] },
        { title: 'Passed over', description: 'Listeners that were passed over, and why.', unit: 'ops', queries: [{ expr: `sum by (reason) (${r(m('sidestep_reuseport_skips_total'))})`, legend: '{{reason}}' }] },
      ],
    },
  ],
};

export const DASHBOARDS: readonly Dashboard[] = [overview, reasons, services, health];
