// SPDX-License-Identifier: Apache-2.0
/** Two hosts with an agent each, as network namespaces, and a real nats-server that both reach. */
import type { EndpointView, ServiceView, BusView } from '../../agent/mesh/view.js';
import { eventually } from './kernel.js';
import { withHostPods, withPods } from './pods.js';
import { TestServer } from './nats-server.js';
import { Ground, type RealAgent } from './real-agent.js';

export class MeshHost {
  readonly ground = new Ground();
  agent: RealAgent | undefined;

  constructor(
    readonly name: string,
    readonly netns: string,
    readonly address: string,
    private readonly server: string,
    private readonly more: Record<string, string> = {},
  ) {
    this.ground.netns = netns;
  }

  /** `services` as in the file, `more` as on the command line. */
  async start(services: readonly object[], more: Record<string, string> = {}): Promise<void> {
    const settings = {
      'host.name': this.name, 'host.address': this.address, 'bus.mode': 'external', 'bus.servers': this.server, 'bus.plaintext': 'true',
      'bus.reassert': '500ms', 'bus.lease': '2s', ...this.more, ...more,
    };
    this.agent = this.ground.start(Object.entries(settings).flatMap(([key, value]) => ['--set', `${key}=${value}`]), this.configure(services));
    await this.agent.says('ready');
  }

  configure(services: readonly object[]): string {
    return this.ground.config(JSON.stringify({ services }));
  }

  services(): ServiceView[] { return (this.ground.api('/v1/services') as { services: ServiceView[] }).services; }
  endpoints(): EndpointView[] { return (this.ground.api('/v1/endpoints') as { endpoints: EndpointView[] }).endpoints; }
  bus(): BusView { return (this.ground.api('/v1/status') as { bus: BusView }).bus; }

  /** Waits until this host balances a service over these addresses. */
  async knows(...addresses: string[]): Promise<void> {
    await eventually(() => {
      const up = this.endpoints().filter(({ state }) => state === 'up').map(({ address }) => address).sort();
      return JSON.stringify(up) === JSON.stringify([...addresses].sort()) ? '' : `${this.name} knows ${JSON.stringify(this.endpoints())}, bus ${JSON.stringify(this.bus())}`;
    }, 30_000);
  }
}

export async function withHosts(test: (a: MeshHost, b: MeshHost, server: TestServer) => Promise<void>, more: Record<string, string> = {}): Promise<void> {
  await withPods(async (pods) => {
    const server = new TestServer('10.77.1.2', 4222, pods.a);
    const hosts = [new MeshHost('host-a', pods.a, '10.77.1.2', server.url, more), new MeshHost('host-b', pods.b, pods.b4, server.url, more)] as const;
    try {
      await server.start();
      await test(...hosts, server);
    } finally {
      for (const { ground } of hosts) await ground.clean();
      await server.clean();
    }
  });
}

/** Hosts that reach each other over both families, with the server on the first. Each has its addresses of both for the others. */
export async function withManyHosts(count: number, test: (hosts: readonly MeshHost[], server: TestServer) => Promise<void>, more: Record<string, string> = {}): Promise<void> {
  await withHostPods(count, async (pods) => {
    const server = new TestServer('10.77.1.2', 4222, pods[0]);
    const hosts = pods.map((pod, index) => new MeshHost(`host-${index + 1}`, pod, `10.77.${index + 1}.2`, server.url, { 'host.address': 'auto', ...more }));
    try {
      await server.start();
      await test(hosts, server);
    } finally {
      for (const { ground } of hosts) await ground.clean();
      await server.clean();
    }
  });
}
