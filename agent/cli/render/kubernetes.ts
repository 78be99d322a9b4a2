import type { PodsObject } from '../../admin/objects.js';
import type { KubernetesView } from '../../kubernetes/kubernetes.js';
import { plain, type Paint } from './paint.js';
import { table, type Column } from './table.js';
import { age } from './units.js';

const some = (number: number, what: string): string => `${String(number)} ${what}${number === 1 ? '' : 's'}`;

/** `node-a, following; 12 pods (1 left alone), 3 services balanced` */
export function kubernetesLine({ node, pods, services, optOuts, watches }: KubernetesView): string {
  const late = watches.filter(({ state }) => state !== 'following');
  const quiet = Math.max(0, ...late.map(({ quietMs }) => quietMs ?? 0));
  const state = late.length === 0 ? 'following' : late.some(({ state: one }) => one === 'away') ? `away for ${age(quiet)}, what is known is kept` : 'starting';
  const alone = optOuts === 0 ? '' : ` (${String(optOuts)} left alone)`;
  return `${node}, ${state}; ${some(pods, 'pod')}${alone}, ${some(services, 'service')} balanced`;
}

const columns: readonly Column[] = [
  { title: 'POD', min: 8 }, { title: 'WORKLOAD', min: 8 }, { title: 'ADDRESS', min: 9 }, { title: 'CGROUP', min: 8 }, { title: 'NOTE', min: 8 },
];

export function renderPods({ reads, pods }: PodsObject, width: number, paint: Paint = plain): string[] {
  if (!reads) return ['pods are not known: kubernetes.enabled is false'];
  if (pods.length === 0) return ['no pods on this node'];
  return table(columns, pods.map(({ namespace, name, workload, addresses, cgroup, leftAlone }) => [
    `${namespace}/${name}`, workload, addresses.join(', '), cgroup === '' ? { text: 'not there', colour: 'yellow' } : cgroup,
    leftAlone.length === 0 ? '' : `left alone: ${leftAlone.join(', ')}`,
  ]), width, paint);
}
