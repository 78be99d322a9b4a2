// SPDX-License-Identifier: Apache-2.0
/**
 * How long an endpoint takes from the bus to the kernel, how long a fleet takes to read, and what balancing adds to a
 * connect(): figures on a real nats-server and the real programs, as JSON. Bounded: about a minute. `npm run bench:mesh`.
 */
import { rmSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { encodeAlive, encodeRecord } from '../../agent/bus/codec.js';
import { aliveKey, BUCKET, recordKey } from '../../agent/bus/keys.js';
import { findCgroup2 } from '../../agent/datapath/cgroup.js';
import { Balancer } from '../../agent/mesh/balancer.js';
import { openMesh } from '../../agent/mesh/native.js';
import type { KernelEndpoint } from '../../agent/mesh/types.js';
import { loadConfig } from '../../config/load.js';
import { readServices } from '../../config/services.js';
import { BPFFS, freshName, removeCgroup, takeLock } from '../helpers/kernel.js';
import { keptLog } from '../helpers/log.js';
import { recordFrom, withBus, type TestBus } from '../helpers/registry.js';

const options = { leaseMs: 600_000, reassertMs: 10_000 };

async function write(bus: TestBus, values: readonly (readonly [string, Uint8Array])[]): Promise<void> {
  const js = (await bus.admin()).jetstream();
  for (let at = 0; at < values.length; at += 500)
    await Promise.all(values.slice(at, at + 500).map(([key, value]) => js.publish(`$KV.${BUCKET}.${key}`, value, { timeout: 20_000 })));
}

function quantile(sorted: readonly number[], part: number): number {
  return Math.round((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0) * 100) / 100;
}

const spread = (values: number[]): object => {
  const sorted = values.sort((a, b) => a - b);
  return { count: sorted.length, p50: quantile(sorted, 0.5), p99: quantile(sorted, 0.99), max: quantile(sorted, 1) };
};

/** One change after the other, each until the kernel has it. */
async function changes(bus: TestBus, services: number, each: number, rounds: number): Promise<object> {
  const name = freshName();
  const cgroup = join(findCgroup2(), name), pins = join(BPFFS, name);
  mkdirSync(cgroup);
  mkdirSync(pins);
  const kernel = openMesh(loadConfig({ env: {}, file: '/dev/null', flags: { 'cgroup.path': cgroup, 'bpf.pinPath': pins } }));
  try {
    const reader = bus.host('reader', options);
    await reader.is('synced');
    const list = Array.from({ length: services }, (_, number) => ({ name: `s${number}`, addresses: [`10.96.${number >> 8}.${number & 255}`], port: 80 }));
    const balancer = new Balancer(kernel, reader.store, { host: 'reader', zone: '' }, keptLog().log, readServices(list).services, kernel.found());
    balancer.setServices(readServices(list).services);
    // The test's registry only collects what was touched; here it goes on to the kernel, as in the agent.
    reader.touched.push = (...touched) => { balancer.touched(touched); return 0; };
    const record = (number: number, weight: number, gone = false): readonly [string, Uint8Array] => {
      const one = recordFrom('h', number, { service: `s${number % services}`, weight });
      return [recordKey('test', 'h', one.service, one.address, one.port), encodeRecord({ ...one, draining: gone }, { epoch: 1, sequence: sequence++ })];
    };
    let sequence = 1;
    await write(bus, Array.from({ length: services * each }, (_, number) => record(number, 100)));
    await write(bus, [[aliveKey('test', 'h'), encodeAlive({ epoch: 1, sequence: sequence++, records: services * each })]]);
    await reader.knows(services * each, 60_000);
    await balancer.settled();
    let arrived: (at: number) => void = () => undefined;
    const put = kernel.putEndpoints.bind(kernel);
    kernel.putEndpoints = (endpoints: readonly KernelEndpoint[]) => { put(endpoints); if (endpoints.length > 0) arrived(performance.now()); };
    const js = (await bus.admin()).jetstream();
    const element: number[] = [], table: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const number = Math.floor(Math.random() * services * each);
      const [key, value] = record(number, 100, round % 2 === 0);
      const began = performance.now();
      const there = new Promise<number>((resolve) => { arrived = resolve; });
      await js.publish(`$KV.${BUCKET}.${key}`, value);
      // A record that was as the last round left it changes nothing.
      const at = await Promise.race([there, sleep(50).then(() => undefined)]);
      if (at === undefined) continue;
      element.push(at - began);
      await balancer.settled();
      table.push(performance.now() - began);
      await sleep(2);
    }
    return { endpoints: services * each, services, elementMs: spread(element), tableAndOldReadersGoneMs: spread(table) };
  } finally {
    kernel.uninstall();
    rmSync(pins, { recursive: true, force: true });
    await removeCgroup(cgroup);
  }
}

async function fleet(bus: TestBus, hosts: number, each: number): Promise<object> {
  const first = bus.host('first', options);
  await first.is('synced');
  await first.registry.stop(false);
  const values = Array.from({ length: hosts * each }, (_, number) => {
    const one = recordFrom(`h${Math.floor(number / each)}`, number, { service: `s${number % 1000}` });
    return [recordKey('test', one.host, one.service, one.address, one.port), encodeRecord(one, { epoch: 1, sequence: 1 })] as const;
  });
  await write(bus, values);
  await write(bus, Array.from({ length: hosts }, (_, number) => [aliveKey('test', `h${number}`), encodeAlive({ epoch: 1, sequence: 2, records: each })] as const));
  global.gc?.();
  const before = process.memoryUsage();
  const began = performance.now();
  const reader = bus.host('reader', options);
  await reader.knows(hosts * each, 120_000);
  const readMs = Math.round(performance.now() - began);
  global.gc?.();
  const after = process.memoryUsage();
  return { hosts, endpoints: hosts * each, readMs, heapMiB: Math.round((after.heapUsed - before.heapUsed) / 2 ** 20), rssMiB: Math.round((after.rss - before.rss) / 2 ** 20) };
}

const release = await takeLock();
try {
  const figures: Record<string, unknown> = { node: process.version };
  await withBus(async (bus) => { figures['manySmall'] = await changes(bus, 1000, 10, 1000); });
  await withBus(async (bus) => { figures['fewLarge'] = await changes(bus, 10, 1000, 500); });
  release();
  await withBus(async (bus) => { figures['fleet'] = await fleet(bus, 1000, 100); });
  process.stdout.write(`${JSON.stringify(figures, undefined, 2)}\n`);
} finally {
  release();
}
