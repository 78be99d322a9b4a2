import type { KubernetesView } from '../../kubernetes/kubernetes.js';
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
