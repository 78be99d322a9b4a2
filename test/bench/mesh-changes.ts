// SPDX-License-Identifier: Apache-2.0
/** From the bus to the kernel: one change after the other, and many a second for a while. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { encodeRecord } from '../../agent/bus/codec.js';
import type { KernelEndpoint } from '../../agent/mesh/types.js';
import { eventually } from '../helpers/kernel.js';
import type { TestBus } from '../helpers/registry.js';
import { recordOf, spread, subjectOf, withReader, type Reader, type Size } from './mesh-ground.js';
import type { Sent } from './mesh-writer.js';

/** Calls back with each endpoint that the kernel has taken. */
function onPut({ kernel }: Reader, taken: (endpoint: KernelEndpoint) => void): void {
  const put = kernel.putEndpoints.bind(kernel);
  kernel.putEndpoints = (endpoints) => {
    put(endpoints);
    endpoints.forEach(taken);
  };
}

/** One change after the other, each until the kernel has it, and until nobody reads the old table. */
export const oneByOne = (bus: TestBus, size: Size, rounds: number): Promise<object> => withReader(bus, size, async (reader) => {
  let arrived: (at: number) => void = () => undefined;
  onPut(reader, () => { arrived(performance.now()); });
  const js = (await bus.admin()).jetstream();
  const element: number[] = [], table: number[] = [];
  for (let round = 0; round < rounds; round++) {
    // Another weight than the last time, so that it is a change.
    const record = recordOf(Math.floor(Math.random() * size.services * size.each), size.services, { weight: 101 + (round % 9000) });
    const there = new Promise<number>((resolve) => { arrived = resolve; });
    const began = performance.now();
    await js.publish(subjectOf(record), encodeRecord(record, { epoch: 1, sequence: 10 + round }));
    element.push((await there) - began);
    await reader.balancer.settled();
    table.push(performance.now() - began);
    await sleep(2);
  }
  return { ...size, loadMs: reader.loadMs, elementMs: spread(element), tableAndOldReadersGoneMs: spread(table) };
});

/** `perSecond` changes from another process, for `seconds`; at the end the kernel must have the last of each. */
export const churn = (bus: TestBus, size: Size, perSecond: number, seconds: number): Promise<object> => withReader(bus, size, async (reader) => {
  const tookAt = new Map<string, number>();
  const nowMs = (): number => Number(process.hrtime.bigint()) / 1e6;
  onPut(reader, ({ address, weight }) => {
    const what = `${address} ${weight}`;
    // A table that is built anew writes its endpoints again; the first time counts.
    if (!tookAt.has(what)) tookAt.set(what, nowMs());
  });
  const cpu = process.cpuUsage(), began = performance.now(), swaps = reader.balancer.swaps;
  const writer = fork(fileURLToPath(new URL('mesh-writer.js', import.meta.url)), [bus.server.url, JSON.stringify({ ...size, perSecond, seconds })]);
  const [sent] = await once(writer, 'message') as [Sent[]];
  const tookS = (performance.now() - began) / 1000, { user, system } = process.cpuUsage(cpu);
  const last = new Map(sent.map(({ address, weight }) => [address, weight]));
  const missing = (): number => {
    const inKernel = new Map(reader.kernel.found().endpoints.map(({ address, weight }) => [address, weight]));
    return [...last].filter(([address, weight]) => inKernel.get(address) !== weight).length;
  };
  await eventually(() => (missing() === 0 ? '' : `${missing()} of ${last.size} changed endpoints are not what was said last`), 10_000);
  const late = sent.flatMap(({ address, weight, atMs }) => { const at = tookAt.get(`${address} ${weight}`); return at === undefined ? [] : [at - atMs]; });
  return {
    ...size, loadMs: reader.loadMs, changes: sent.length, changesPerSecond: Math.round(sent.length / tookS), changedEndpoints: last.size, wrongAtTheEnd: missing(),
    ackMs: spread(sent.map(({ ackMs }) => ackMs)), elementMs: spread(late), tablesPerSecond: Math.round((reader.balancer.swaps - swaps) / tookS),
    cpuOfOneCore: Math.round((user + system) / 1e4 / tookS) / 100, rssMiB: Math.round(process.memoryUsage().rss / 2 ** 20),
  };
});
