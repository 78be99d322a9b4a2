// SPDX-License-Identifier: Apache-2.0
/** A real nats-server for tests. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './free-port.js';
import { eventually } from './kernel.js';

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

/** Servers that hold the bucket together, on loopback. */
export async function withCluster(count: number, test: (servers: readonly TestServer[]) => Promise<void>): Promise<void> {
  const ports = await Promise.all(Array.from({ length: 2 * count }, () => freePort()));
  const routes = ports.slice(count).map((port) => `nats://127.0.0.1:${port}`).join(', ');
  const servers = ports.slice(0, count).map((port, index) => new TestServer('127.0.0.1', port, undefined,
    `server_name: n${index}\ncluster { name: c, listen: "127.0.0.1:${ports[count + index]}", routes: [${routes}] }`));
  try {
    await Promise.all(servers.map((server) => server.start()));
    await test(servers);
  } finally {
    for (const server of servers) await server.clean();
  }
}

/** A way to a server that can be cut without anybody being told: bytes are not forwarded any more, and nothing is closed. */
export class Cable {
  readonly #sockets = new Set<Socket>();
  #cut = false;
  readonly #server = createServer((near) => {
    const far = connect(this.to.port, this.to.address);
    for (const [from, into] of [[near, far], [far, near]] as const) {
      this.#sockets.add(from);
      from.on('data', (bytes) => { if (!this.#cut) into.write(bytes); });
      from.on('error', () => undefined);
      from.on('close', () => { this.#sockets.delete(from); into.destroy(); });
    }
  });

  constructor(private readonly to: TestServer) {}

  async start(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `nats://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  cut(): void { this.#cut = true; }

  /** What was lost on the way does not come back: those connections end, and new ones work. */
  mend(): void {
    this.#cut = false;
    for (const socket of this.#sockets) socket.destroy();
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}
