// SPDX-License-Identifier: Apache-2.0
/** What the parts of the mesh bench share: records on a real bus, and a reader that brings them into a real kernel. */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { NatsConnection } from 'nats';
import { encodeAlive, encodeRecord } from '../../agent/bus/codec.js';
import { aliveKey, BUCKET, recordKey } from '../../agent/bus/keys.js';
import { findCgroup2 } from '../../agent/datapath/cgroup.js';
import { Balancer } from '../../agent/mesh/balancer.js';
import { openMesh } from '../../agent/mesh/native.js';
import type { MeshKernel } from '../../agent/mesh/types.js';
import { loadConfig } from '../../config/load.js';
import { readServices } from '../../config/services.js';
import type { EndpointRecord } from '../../agent/endpoints/types.js';
import { BPFFS, freshName, removeCgroup } from '../helpers/kernel.js';
import { keptLog } from '../helpers/log.js';
import { recordFrom, type TestBus, type TestHost } from '../helpers/registry.js';

export const options = { leaseMs: 600_000, reassertMs: 10_000 };
export const OWNER = 'h';

export interface Size {
  readonly services: number;
  /** Endpoints of each. */
  readonly each: number;
}

export const servicesOf = (count: number): object[] =>
  Array.from({ length: count }, (_, number) => ({ name: `s${number}`, addresses: [`10.96.${number >> 8}.${number & 255}`], port: 80 }));

/** The record of one endpoint of a fleet, with what changes in it. */
export const recordOf = (number: number, services: number, over: Partial<EndpointRecord>, host = OWNER): EndpointRecord =>
  recordFrom(host, number, { service: `s${number % services}`, ...over });

export const subjectOf = ({ host, service, address, port }: EndpointRecord): string => `$KV.${BUCKET}.${recordKey('test', host, service, address, port)}`;
export const aliveSubject = (host: string): string => `$KV.${BUCKET}.${aliveKey('test', host)}`;

/** Writes with many acknowledgements under way. */
export async function write(connection: NatsConnection, values: readonly (readonly [string, Uint8Array])[]): Promise<void> {
  const js = connection.jetstream();
  for (let at = 0; at < values.length; at += 500)
    await Promise.all(values.slice(at, at + 500).map(([subject, value]) => js.publish(subject, value, { timeout: 20_000 })));
}

const quantile = (sorted: readonly number[], part: number): number =>
  Math.round((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0) * 100) / 100;

export function spread(values: readonly number[]): { count: number; p50: number; p99: number; max: number } {
  const sorted = [...values].sort((a, b) => a - b);
  return { count: sorted.length, p50: quantile(sorted, 0.5), p99: quantile(sorted, 0.99), max: quantile(sorted, 1) };
}

export interface Reader {
  readonly host: TestHost;
  readonly kernel: MeshKernel;
  readonly balancer: Balancer;
  /** From the first byte to the last table, in milliseconds. */
  readonly loadMs: number;
}

/** A fleet on the bus, and a reader that has all of it in its kernel. */
export async function withReader<T>(bus: TestBus, { services, each }: Size, run: (reader: Reader) => Promise<T>): Promise<T> {
  const name = freshName();
  const cgroup = join(findCgroup2(), name), pins = join(BPFFS, name);
  mkdirSync(cgroup);
  mkdirSync(pins);
  const kernel = openMesh(loadConfig({ env: {}, file: '/dev/null', flags: { 'cgroup.path': cgroup, 'bpf.pinPath': pins } }));
  try {
    const first = bus.host('first', options);
    await first.is('synced');
    await first.registry.stop(false);
    const count = services * each;
    await write(await bus.admin(), Array.from({ length: count }, (_, number) => {
      const record = recordOf(number, services, { weight: 100 });
      return [subjectOf(record), encodeRecord(record, { epoch: 1, sequence: 1 })] as const;
    }));
    await write(await bus.admin(), [[aliveSubject(OWNER), encodeAlive({ epoch: 1, sequence: 2, records: count })]]);
    const began = performance.now();
    const host = bus.host('reader', options);
    const { services: list } = readServices(servicesOf(services));
    const balancer = new Balancer(kernel, host.store, { host: 'reader', zone: '' }, keptLog().log, list, kernel.found());
    balancer.setServices(list);
    // The test's registry only collects what was touched; here it goes on to the kernel, as in the agent.
    host.touched.push = (...touched) => { balancer.touched(touched); return 0; };
    await host.is('synced', 120_000);
    await host.knows(count, 120_000);
    await balancer.settled();
    return await run({ host, kernel, balancer, loadMs: Math.round(performance.now() - began) });
  } finally {
    kernel.uninstall();
    rmSync(pins, { recursive: true, force: true });
    await removeCgroup(cgroup);
  }
}
