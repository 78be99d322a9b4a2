// SPDX-License-Identifier: Apache-2.0
/** Registries of several hosts in one process, on a real nats-server. */
import { connect, type NatsConnection } from 'nats';
import { BUCKET } from '../../agent/bus/keys.js';
import { natsConnect, type NatsOptions } from '../../agent/bus/nats.js';
import { Registry } from '../../agent/bus/registry.js';
import type { Connect } from '../../agent/bus/types.js';
import { Guard } from '../../agent/endpoints/guard.js';
import { EndpointStore, type Touched } from '../../agent/endpoints/store.js';
import type { EndpointRecord } from '../../agent/endpoints/types.js';
import { eventually } from './kernel.js';
import { keptLog } from './log.js';
import { freePort } from './free-port.js';
import { TestServer } from './nats-server.js';

export const REASSERT = 200;
export const LEASE = 1000;

export const recordFrom = (host: string, number = 1, over: Partial<EndpointRecord> = {}): EndpointRecord => ({
  service: 'web', address: `10.${number >> 16}.${(number >> 8) & 255}.${number & 255}`, port: 80, protocol: 'tcp', weight: 100, zone: '', version: '', host,
  workload: '', health: 'unknown', draining: false, ...over,
});

export class TestHost {
  readonly store: EndpointStore;
  readonly registry: Registry;
  readonly touched: Touched[] = [];
  readonly lines = keptLog();

  constructor(
    readonly name: string,
    link: Connect,
    options: { share?: number; most?: number; compareMs?: number; leaseMs?: number; reassertMs?: number } = {},
  ) {
    this.store = new EndpointStore(options.most ?? 200_000, new Guard(options.share ?? 30));
    this.registry = new Registry(link, this.store,
      { cluster: 'test', host: name, reassertMs: options.reassertMs ?? REASSERT, leaseMs: options.leaseMs ?? LEASE, compareMs: options.compareMs ?? 600_000, rewriteMs: 900_000 },
      (touched) => { this.touched.push(...touched); }, this.lines.log);
    this.registry.start();
  }

  publish(...numbers: number[]): void { this.registry.publish(numbers.map((number) => recordFrom(this.name, number))); }

  /** Addresses of web that others told. */
  get known(): string[] { return this.store.of('web').map(({ record }) => record.address).sort(); }

  async knows(count: number, withinMs = 5000): Promise<void> {
    await eventually(() => (this.store.size === count ? '' : `${this.name} knows ${this.store.size} of ${count}; ${JSON.stringify(this.registry.state)}`), withinMs);
  }

  async is(state: string, withinMs = 8000): Promise<void> {
    await eventually(() => (this.registry.state.state === state ? '' : `${this.name} is ${JSON.stringify(this.registry.state)}`), withinMs);
  }
}

export class TestBus {
  readonly hosts: TestHost[] = [];
  #admins: NatsConnection[] = [];

  constructor(readonly server: TestServer) {}

  linkOf(host: string, over: Partial<NatsOptions> = {}): Connect {
    return natsConnect({ bucket: BUCKET, about: 'test', servers: [this.server.url], cluster: 'test', name: host, host, tls: undefined, credentials: '', nkey: '', forgetMs: 3_600_000, ...over });
  }

  host(name: string, options: ConstructorParameters<typeof TestHost>[2] = {}, over: Partial<NatsOptions> = {}): TestHost {
    const host = new TestHost(name, this.linkOf(name, over), options);
    this.hosts.push(host);
    return host;
  }

  /** Somebody who may do anything. */
  async admin(): Promise<NatsConnection> {
    const connection = await connect({ servers: this.server.url, maxReconnectAttempts: -1 });
    this.#admins.push(connection);
    return connection;
  }

  /** Writes past every rule. */
  async inject(key: string, value: string | Uint8Array): Promise<void> {
    const admin = await this.admin();
    await admin.jetstream().publish(`$KV.${BUCKET}.${key}`, typeof value === 'string' ? new TextEncoder().encode(value) : value);
    await admin.close();
  }

  async clean(): Promise<void> {
    for (const { registry } of this.hosts) await registry.stop(false);
    for (const admin of this.#admins) await admin.close();
    await this.server.clean();
  }
}

export async function withBus(test: (bus: TestBus) => Promise<void>, config = ''): Promise<void> {
  const server = new TestServer('127.0.0.1', await freePort(), undefined, config);
  const bus = new TestBus(server);
  try {
    await server.start();
    await test(bus);
  } finally {
    await bus.clean();
  }
}
