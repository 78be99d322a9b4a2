/** One service and a bus that is well. */
import type { MeshSource } from '../../../agent/metrics/mesh-reading.js';
import type { RegistryState } from '../../../agent/bus/state.js';
import type { ServiceView } from '../../../agent/mesh/view.js';

export const fakeService = (over: Partial<ServiceView> = {}): ServiceView => ({
  name: 'web', addresses: ['10.96.0.1'], port: 80, protocol: 'tcp', policy: 'random', split: {}, endpoints: 3, up: 2, draining: 1, down: 0, desperate: false,
  connections: 7, picks: { host: 1, zone: 2, all: 3 }, kept: 4, refused: { no_endpoint: 5, connections: 6, twin: 0 },
  connectTimes: { buckets: [0, 3, 4, 0, 1], sumNs: 1_500_000 }, ...over,
});

export const fakeRegistry = (over: Partial<RegistryState> = {}): RegistryState => ({
  state: 'synced', server: '10.0.0.9:4222', detail: '', hosts: 2, published: 1, unpublished: 0, received: 40, rejected: 1, held: 0, reconnects: 1, compares: 2,
  mismatches: 0, quietMs: 500, ...over,
});

export const fakeMesh: MeshSource = {
  services: () => [fakeService()],
  bus: () => ({ choice: 'external', why: '', restarts: 0, registry: fakeRegistry(), endpoints: 3, refused: 0 }),
  rules: () => [{ index: 0, service: 'web', connections: 12, refused: [{ option: 'congestionControl', times: 3, because: 'ENOENT' }] }],
  swaps: 9, writeFailures: 0, checks: { made: 10, failed: 2 },
};
