// SPDX-License-Identifier: Apache-2.0
/** The Kubernetes source with a mesh and a scope behind it, on kernels in memory: against any API server. */
import { loadConfig } from '../../config/load.js';
import { FakeDatapath } from '../../agent/datapath/fake.js';
import { Kubernetes } from '../../agent/kubernetes/kubernetes.js';
import type { Pace } from '../../agent/kubernetes/watcher.js';
import { FakeMeshKernel } from '../../agent/mesh/fake.js';
import { Mesh } from '../../agent/mesh/mesh.js';
import { Scope } from '../../agent/scope/scope.js';
import { folder } from './folder.js';
import { keptLog, type Line } from './log.js';

export interface KubeMesh {
  readonly kubernetes: Kubernetes;
  readonly mesh: Mesh;
  readonly kernel: FakeMeshKernel;
  readonly scope: Scope;
  readonly datapath: FakeDatapath;
  readonly lines: readonly Line[];
  /** Virtual addresses, and for each the endpoints that take new connections, as the kernel has them. */
  serves(): string[];
  stop(): Promise<void>;
}

export interface KubeOptions {
  readonly flags: Record<string, string>;
  readonly pace?: Pace;
  readonly kernel?: FakeMeshKernel;
  readonly runDir?: string;
  readonly cgroupRoot?: string;
}

export async function kubeMesh({ flags, pace, kernel = new FakeMeshKernel(), runDir = folder(), cgroupRoot = runDir }: KubeOptions): Promise<KubeMesh> {
  const { log, lines } = keptLog();
  const config = loadConfig({ env: {}, file: '/dev/null', flags: {
    runDir, 'bpf.pinPath': `${runDir}/pins`, 'bus.mode': 'off', 'kubernetes.enabled': 'true', 'kubernetes.node': 'node-a', 'kubernetes.tokenFile': '', 'kubernetes.caFile': '', ...flags,
  } });
  const scope = new Scope(config, { cgroupRoot }, log);
  const datapath = new FakeDatapath();
  scope.start(datapath);
  const place = { name: 'node-a', zone: 'z1', addresses: { 4: '192.0.2.1', 6: '' } };
  const kubernetes = new Kubernetes({ config, place, cgroupRoot, scope, log, ...(pace && { pace }) });
  const mesh = new Mesh({ config, place, log, openKernel: () => kernel, sources: kubernetes.sources });
  await mesh.start();
  kubernetes.start();
  const up = (service: number): string => [...kernel.endpoints.values()]
    .filter((one) => one.service === service && one.state === 'up').map(({ address, port }) => `${address}:${port}`).sort().join(',');
  return {
    kubernetes, mesh, kernel, scope, datapath, lines,
    serves: () => [...kernel.vips].map(([vip, { service }]) => `${vip} ${kernel.tables.has(service) ? up(service) : 'no table'}`).sort(),
    stop: async () => {
      scope.stop();
      await kubernetes.stop();
      await mesh.stop(true);
    },
  };
}
