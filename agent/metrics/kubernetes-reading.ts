/** One reading of the Kubernetes source, as samples of the table. */
import type { Kubernetes } from '../kubernetes/kubernetes.js';
import type { PodIdentity } from '../kubernetes/types.js';
import type { Emit } from './reading.js';

export type KubernetesSource = Pick<Kubernetes, 'view'>;

/** A program of the kernel's table of workloads, and the pod that its cgroup belongs to. */
export interface Program {
  readonly comm: string;
  readonly pod: PodIdentity | null;
}

export function emitKubernetes(source: KubernetesSource, emit: Emit): void {
  const { watches, services, optOuts } = source.view();
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
}

/** One series for each program, as edges have one: where it is several workloads', a share of an edge is nobody's alone. */
export function emitWorkloads(programs: readonly Program[], emit: Emit): void {
  const owners = new Map<string, Map<string, { namespace: string; workload: string }>>();
  for (const { comm, pod } of programs) {
    if (comm === '') continue;
    const known = owners.get(comm) ?? new Map<string, { namespace: string; workload: string }>();
    const { namespace, workload } = pod ?? { namespace: '', workload: '' };
    owners.set(comm, known.set(`${namespace}/${workload}`, { namespace, workload }));
  }
  for (const [program, found] of owners) {
    const [first = { namespace: '', workload: '' }] = found.values();
    if (found.size > 1) emit('sidestep_owner_info', { program, namespace: '', workload: 'several' }, 1);
    else if (first.workload !== '') emit('sidestep_owner_info', { program, ...first }, 1);
  }
}
