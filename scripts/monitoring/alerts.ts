/** The alerts. charts/sidestep/files/rules.yaml and the pages of docs/alerts.md are generated from this table. */
import { all } from './metric.js';

export interface Alert {
  readonly name: string;
  readonly expr: string;
  /** How long it must hold; empty: at once. */
  readonly for: string;
  readonly severity: 'critical' | 'warning' | 'info';
  readonly summary: string;
  readonly description: string;
  /** For the runbook. */
  readonly meaning: string;
  readonly todo: readonly string[];
}

const on = '{{ $labels.instance }}';

export const ALERTS: readonly Alert[] = [
  {
    name: 'SidestepAgentDown',
    expr: 'up{job=~".*sidestep.*"} == 0',
    for: '5m',
    severity: 'warning',
    summary: 'An agent does not answer',
    description: `The agent on ${on} has not been scraped for 5 minutes.`,
    meaning: 'The kernel goes on as it was: pairs stay accelerated, services keep their last tables. Nothing new is learned, checked or balanced until an agent is back.',
    todo: ['Look at its log and at why the pod or unit ended.', '`sidestep check` on the node tells what it lacks.', 'If it runs, see whether a firewall or network policy keeps Prometheus away.'],
  },
  {
    name: 'SidestepNotAccelerating',
    expr: `${all('sidestep_datapath_mode', 'mode="off"')} == 1`,
    for: '15m',
    severity: 'warning',
    summary: 'A node accelerates nothing',
    description: `The datapath on ${on} is off: its kernel failed the self-test, or datapath.mode is off.`,
    meaning: 'Every connection of the node takes plain TCP, as without Sidestep.',
    todo: ['`sidestep status` names the step of the self-test that failed.', 'If datapath.mode is off on purpose, silence this alert for the node.'],
  },
  {
    name: 'SidestepDisabled',
    expr: `${all('sidestep_enabled')} == 0`,
    for: '1h',
    severity: 'info',
    summary: 'Acceleration is switched off',
    description: `Nothing is redirected on ${on}: switched off by hand, by configuration, or since all pairs were retired.`,
    meaning: 'Somebody chose so and may have forgotten it.',
    todo: ['`sidestep status` says who switched it off; `sidestep enable`, or datapath.enabled: true, switches it on.'],
  },
  {
    name: 'SidestepConfigReloadFailed',
    expr: `${all('sidestep_config_last_reload_successful')} == 0`,
    for: '5m',
    severity: 'warning',
    summary: 'A configuration did not load',
    description: `The agent on ${on} goes on with its old configuration: the new one has an error.`,
    meaning: 'Nothing has changed on the node, and nothing will until the file is right. An agent that restarts now refuses to start.',
    todo: ['The log, and `sidestep status`, name file, line and key.', '`sidestep config validate FILE` before the next change.'],
  },
  {
    name: 'SidestepMapFilling',
    expr: `${all('sidestep_map_pressure')} == 1`,
    for: '10m',
    severity: 'warning',
    summary: 'A kernel map is nearly full',
    description: `The map {{ $labels.map }} on ${on} is 80 % full or more.`,
    meaning: 'When it is full, further connections take TCP (`map_full`), or who talks to whom is counted without names.',
    todo: ['Raise the setting of that map: datapath.maxPairs for pairs and sockets, datapath.maxEdges for edges. It needs a restart.'],
  },
  {
    name: 'SidestepResets',
    expr: `increase(${all('sidestep_resets_total')}[15m]) > 0`,
    for: '',
    severity: 'warning',
    summary: 'Connections were reset',
    description: `The agent on ${on} reset {{ $value | printf "%.0f" }} connections within 15 minutes.`,
    meaning: 'Bytes waited for a reader that can never read them (it began to splice), or an end closed with bytes unread, where TCP resets too.',
    todo: ['`sidestep profiles` shows programs that were found unsafe.', 'Exclude a program that begins to splice in the middle of a connection: `scope.exclude: [program:NAME]`.'],
  },
  {
    name: 'SidestepUntracked',
    expr: `increase(${all('sidestep_messages_total', 'reason="untracked"')}[1h]) > 0`,
    for: '',
    severity: 'warning',
    summary: 'A socket is in the map without its record',
    description: `Messages on ${on} took TCP because their socket has no record.`,
    meaning: 'A bug. The bytes took TCP, so nothing was lost.',
    todo: ['Report it, with the log and `sidestep status -o json`.'],
  },
  {
    name: 'SidestepScrapeErrors',
    expr: `increase(${all('sidestep_scrape_errors_total')}[15m]) > 2`,
    for: '',
    severity: 'warning',
    summary: 'Kernel counters cannot be read',
    description: `The agent on ${on} failed to read its maps {{ $value | printf "%.0f" }} times within 15 minutes.`,
    meaning: 'The values shown are old ones.',
    todo: ['The log has the reason. If pins were removed from outside, restart the agent.'],
  },
  {
    name: 'SidestepEventsLost',
    expr: `increase(${all('sidestep_events_lost_total')}[15m]) > 0`,
    for: '30m',
    severity: 'info',
    summary: 'The log misses connections',
    description: `The ring buffer on ${on} has been running full for half an hour.`,
    meaning: 'Only the lines of the log are missing. Counters and acceleration are right.',
    todo: ['Raise datapath.eventBuffer.'],
  },
  {
    name: 'SidestepVersionSkew',
    expr: `count(count by (layout) (${all('sidestep_build_info')})) > 1`,
    for: '2h',
    severity: 'info',
    summary: 'Agents of different layouts run',
    description: 'An upgrade has not reached every node for two hours.',
    meaning: 'Nodes are independent of each other, so nothing is broken.',
    todo: ['`sum by (instance, version) (sidestep_build_info)` tells where; see the rollout of the DaemonSet.'],
  },
  {
    name: 'SidestepBusNotSynced',
    expr: `${all('sidestep_bus_synced')} == 0`,
    for: '5m',
    severity: 'warning',
    summary: 'Endpoints of other hosts are not followed',
    description: `The agent on ${on} has had no bus for 5 minutes.`,
    meaning: 'It goes on with what it knows. Endpoints are kept while the bus is away; changes elsewhere are not seen.',
    todo: ['Is the broker there, and may this node log in? The log of the agent has the answer of the server.'],
  },
  {
    name: 'SidestepBusEntriesRejected',
    expr: `increase(${all('sidestep_bus_entries_total', 'result="rejected"')}[15m]) > 0`,
    for: '',
    severity: 'warning',
    summary: 'Entries of the bus were rejected',
    description: `The agent on ${on} rejected {{ $value | printf "%.0f" }} entries as malformed or not of their owner.`,
    meaning: 'Another version or another program writes to the bucket, or somebody tries to announce endpoints of a host that is not theirs.',
    todo: ['The log names the key. Confine each host to its own keys (docs/nats-server.conf).'],
  },
  {
    name: 'SidestepKubernetesNotSynced',
    expr: `${all('sidestep_kubernetes_synced')} == 0`,
    for: '5m',
    severity: 'warning',
    summary: 'The API server is not followed',
    description: `The agent on ${on} has not followed the {{ $labels.kind }} of Kubernetes for 5 minutes.`,
    meaning: 'It goes on with what it knows: services keep their endpoints, pods their names and exclusions. Changes since then are not seen.',
    todo: ['`sidestep status` has the words of the API server.', '403: may the service account list and watch pods, services and endpointslices?', '401: is the token file there, and is it renewed?'],
  },
  {
    name: 'SidestepPodsNotLeftAlone',
    expr: `${all('sidestep_kubernetes_opt_outs_without_room')} > 0`,
    for: '1m',
    severity: 'warning',
    summary: 'Pods that ask to be left alone are accelerated',
    description: `On ${on} {{ $value }} annotations of pods found no room among the selectors.`,
    meaning: 'A node keeps at most 128 selectors: those of the configuration, those by hand, one for each pod with `sidestep.io/accelerate`, and one for each range of `sidestep.io/exclude-ports`. These pods came last.',
    todo: ['`sidestep status` names the first of them.', 'Write several ports as one range, or exclude what is above the pods once: `scope.exclude: ["cgroup:/kubepods.slice/kubepods-besteffort.slice"]`, or a port.', 'Where most pods ask for it, turn it round: name those that are to be accelerated in `scope.include`.'],
  },
  {
    name: 'SidestepServiceWithoutEndpoint',
    expr: `max by (job, service) (${all('sidestep_service_endpoints', 'state="up"')}) == 0`,
    for: '1m',
    severity: 'critical',
    summary: 'A service has no endpoint',
    description: 'No agent knows an endpoint of the service {{ $labels.service }} that is up.',
    meaning: 'Connections to its virtual address are refused.',
    todo: ['`sidestep endpoints SERVICE` shows each endpoint and why it is down.', 'Are its servers running, and do they pass their health checks?'],
  },
  {
    name: 'SidestepServiceRefuses',
    expr: `sum by (job, instance, service, reason) (rate(${all('sidestep_service_refused_total')}[5m])) > 0`,
    for: '5m',
    severity: 'warning',
    summary: 'Connections to a service are refused',
    description: `On ${on} connections to {{ $labels.service }} have been refused for 5 minutes: {{ $labels.reason }}.`,
    meaning: '`no_endpoint`: none is up. `connections`: the limit maxConnections is reached.',
    todo: ['`sidestep services`; raise maxConnections, or add endpoints.'],
  },
  {
    name: 'SidestepTableFailures',
    expr: `increase(${all('sidestep_table_failures_total')}[15m]) > 0`,
    for: '',
    severity: 'warning',
    summary: 'The kernel did not take a change of services',
    description: `On ${on} changes of services or endpoints failed; the old tables are in force.`,
    meaning: 'Usually mesh.maxServices or mesh.maxEndpoints is reached, or memory is short.',
    todo: ['The log has the errno in words.'],
  },
  {
    name: 'SidestepEndpointsRefused',
    expr: `increase(${all('sidestep_endpoints_refused_total')}[15m]) > 0`,
    for: '',
    severity: 'warning',
    summary: 'Endpoints found no room',
    description: `The agent on ${on} left endpoints out: mesh.maxEndpoints is reached.`,
    meaning: 'Connections go to the endpoints that are known.',
    todo: ['Raise mesh.maxEndpoints; it needs a restart.'],
  },
  {
    name: 'SidestepListenerStuck',
    expr: `sum by (job, instance, port, protocol) (${all('sidestep_reuseport_listeners', 'state="stuck"')}) > 0`,
    for: '5m',
    severity: 'warning',
    summary: 'A listener does not accept',
    description: `{{ $value }} listeners of port {{ $labels.port }}/{{ $labels.protocol }} on ${on} have been stuck for 5 minutes.`,
    meaning: 'A worker hangs. The others get its share.',
    todo: ['`sidestep reuseport` names the process; restart it.'],
  },
  {
    name: 'SidestepFrontDoorFailed',
    expr: `sum by (job, instance, listener) (${all('sidestep_frontdoor_listeners', 'state="failed"')}) > 0`,
    for: '1m',
    severity: 'critical',
    summary: 'A front door is not open',
    description: `The front door {{ $labels.listener }} on ${on} has not been open for a minute.`,
    meaning: 'Clients of other hosts are refused on this node.',
    todo: ['`sidestep frontdoor` on the node says why. It is tried again every half second.'],
  },
];

export interface Recording {
  readonly record: string;
  readonly expr: string;
}

const bytes = 'instance_path:sidestep_edge_bytes:rate5m';

export const RECORDINGS: readonly Recording[] = [
  { record: bytes, expr: `sum without (client, server, port, direction) (rate(${all('sidestep_edge_bytes_total')}[5m]))` },
  {
    record: 'instance:sidestep_redirected_bytes_per_bytes:ratio_rate5m',
    expr: `sum without (path) (${bytes}{path="redirect"}) / sum without (path) (${bytes})`,
  },
  { record: 'instance_reason:sidestep_connections:rate5m', expr: `sum without (result) (rate(${all('sidestep_connections_total')}[5m]))` },
  { record: 'service:sidestep_service_picks:rate5m', expr: `sum by (job, service) (rate(${all('sidestep_service_picks_total')}[5m]))` },
];
