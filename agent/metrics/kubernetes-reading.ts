/** One reading of the Kubernetes source, as samples of the table. */
import type { PairGroup, Profile } from '../datapath/types.js';
import type { Kubernetes } from '../kubernetes/kubernetes.js';
import type { PodIdentity } from '../kubernetes/types.js';
import type { Emit } from './reading.js';

export type KubernetesSource = Pick<Kubernetes, 'view'>;

/** Whose a cgroup is, by its number; null: of no pod. */
export type PodOf = (cgroup: string) => PodIdentity | null;

export function emitKubernetes(source: KubernetesSource, emit: Emit): void {
  const { watches, services, optOuts, optOutsWithoutRoom } = source.view();
  for (const { kind, state, quietMs, objects, events, lists, failures } of watches) {
    emit('sidestep_kubernetes_synced', { kind }, state === 'following' ? 1 : 0);
    if (quietMs !== undefined) emit('sidestep_kubernetes_quiet_seconds', { kind }, quietMs / 1000);
    emit('sidestep_kubernetes_objects', { kind }, objects);
    emit('sidestep_kubernetes_events_total', { kind }, events);
    emit('sidestep_kubernetes_lists_total', { kind }, lists);
    emit('sidestep_kubernetes_failures_total', { kind }, failures);
  }
  emit('sidestep_kubernetes_services', {}, services);
  emit('sidestep_kubernetes_opt_outs', {}, optOuts);
  emit('sidestep_kubernetes_opt_outs_without_room', {}, optOutsWithoutRoom);
}

/** Whose each program is: where it is several workloads', a share of an edge is nobody's alone. */
export function ownersOf(profiles: readonly Pick<Profile, 'comm' | 'cgroup'>[], podOf: PodOf): Map<string, Workload> {
  const owners = new Map<string, Map<string, Workload>>();
  for (const { comm, cgroup } of profiles) {
    if (comm === '') continue;
    const workload = workloadOf(podOf(cgroup));
    const known = owners.get(comm) ?? new Map<string, Workload>();
    owners.set(comm, known.set(`${workload.namespace}/${workload.workload}`, workload));
  }
  return new Map([...owners].map(([program, found]) => {
    const [first = nobody] = found.values();
    return [program, found.size > 1 ? several : first];
  }));
}

/** One series for each program, as edges have one. */
export function emitOwners(profiles: readonly Pick<Profile, 'comm' | 'cgroup'>[], podOf: PodOf, emit: Emit): void {
  for (const [program, owner] of ownersOf(profiles, podOf)) if (owner.workload !== '') emit('sidestep_owner_info', { program, ...owner }, 1);
}

export interface Workload {
  readonly namespace: string;
  readonly workload: string;
}

const nobody: Workload = { namespace: '', workload: '' };
const several: Workload = { namespace: '', workload: 'several' };
const other: Workload = { namespace: '', workload: 'other' };
const workloadOf = (pod: PodIdentity | null): Workload => (pod ? { namespace: pod.namespace, workload: pod.workload } : nobody);

/** Who is connected with whom now. At most `most` pairs of workloads and a port; all further ones are one, as with edges. */
export function emitWorkloadConnections(open: readonly PairGroup[], podOf: PodOf, most: number, emit: Emit): void {
  const seen = new Set<string>();
  for (const { clientCgroup, serverCgroup, port, state, connections } of open) {
    const ends = [workloadOf(podOf(clientCgroup)), workloadOf(podOf(serverCgroup))] as const;
    if (ends.every(({ workload }) => workload === '')) continue;
    const key = JSON.stringify([ends, port]);
    const fits = seen.has(key) || seen.size < most;
    if (fits) seen.add(key);
    const [client, server] = fits ? ends : [other, other];
    emit('sidestep_workload_connections', {
      client_namespace: client.namespace, client_workload: client.workload, server_namespace: server.namespace, server_workload: server.workload,
      port: fits ? String(port) : '', result: state === 'active' ? 'accelerated' : 'tcp',
    }, connections);
  }
}
