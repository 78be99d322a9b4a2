/** A node of two pods whose API server is well but for its slices. */
import type { KubernetesView } from '../../../agent/kubernetes/kubernetes.js';
import type { WatchState } from '../../../agent/kubernetes/watcher.js';

export const fakeWatch = (over: Partial<WatchState> = {}): WatchState => ({
  kind: 'pods', state: 'following', detail: '', objects: 2, quietMs: 1500, lists: 1, failures: 0, events: 5, ...over,
});

export const fakeKubernetes = (over: Partial<KubernetesView> = {}): KubernetesView => ({
  node: 'node-a', pods: 2, services: 1, optOuts: 1, optOutsWithoutRoom: 0,
  watches: [fakeWatch(), fakeWatch({ kind: 'endpointslices', state: 'away', detail: 'connect ECONNREFUSED', quietMs: 65_000, failures: 3 })], ...over,
});
