// SPDX-License-Identifier: Apache-2.0
/** Two hosts with an agent each, as network namespaces, and a real nats-server that both reach. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EndpointView, ServiceView, BusView } from '../../agent/mesh/view.js';
import { eventually } from './kernel.js';
import { withPods } from './pods.js';
import { Ground, type RealAgent } from './real-agent.js';

/** A nats-server for tests; its store goes with it unless it is started again. */
export class TestServer {
  readonly dir = mkdtempSync(join(tmpdir(), 'sidestep-nats-'));
  #child: ChildProcess | undefined;

  constructor(
    readonly address: string,
    readonly port: number,
    private readonly netns?: string,
    private readonly more = '',
  ) {}

  get url(): string { return `nats://${this.address}:${this.port}`; }

  async start(): Promise<void> {
    const config = join(this.dir, 'server.conf');
    writeFileSync(config, `listen: "${this.address}:${this.port}"\njetstream { store_dir: "${join(this.dir, 'store')}" }\n${this.more}\n`);
    const enter = this.netns === undefined ? [] : ['nsenter', `--net=/run/netns/${this.netns}`];
    const [file, ...args] = [...enter, 'nats-server', '-c', config];
    this.#child = spawn(file, args, { stdio: 'ignore' });
    if (this.netns === undefined) await eventually(() => this.#answers());
  }

  signal(signal: NodeJS.Signals): void { this.#child?.kill(signal); }

  async stop(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    await once(child, 'exit');
  }

  /** What a broker that lost its disk comes back with. */
  empty(): void { rmSync(join(this.dir, 'store'), { recursive: true, force: true }); }

  async clean(): Promise<void> {
    await this.stop();
    rmSync(this.dir, { recursive: true, force: true });
  }

  #answers(): Promise<string> {
    return new Promise((resolve) => {
      const probe = connect(this.port, this.address);
      probe.once('connect', () => { probe.destroy(); resolve(''); });
      probe.once('error', (error) => { resolve(`the server does not answer: ${error.message}`); });
    });
  }
}

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

  /** `services` as in the file. */
  async start(services: readonly object[]): Promise<void> {
    const settings = {
      'host.name': this.name, 'host.address': this.address, 'bus.mode': 'external', 'bus.servers': this.server, 'bus.plaintext': 'true',
      'bus.reassert': '500ms', 'bus.lease': '2s', ...this.more,
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
    }, 8000);
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
