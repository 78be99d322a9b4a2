// SPDX-License-Identifier: Apache-2.0
/** Many hosts, many endpoints, many changes: all of it arrives, in bounded memory. Times are for the bench to tell. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, it } from 'mocha';
import { encodeAlive, encodeRecord } from '../../agent/bus/codec.js';
import { aliveKey, BUCKET, recordKey } from '../../agent/bus/keys.js';
import { eventually } from '../helpers/kernel.js';
import { recordFrom, withBus, type TestBus } from '../helpers/registry.js';

const hosts = 1000;
const each = 100;
const options = { leaseMs: 600_000, reassertMs: 500 };

/** Writes with many acknowledgements under way. */
async function write(bus: TestBus, values: Iterable<[string, Uint8Array]>): Promise<void> {
  const js = (await bus.admin()).jetstream();
  let batch: Promise<unknown>[] = [];
  for (const [key, value] of values) {
    batch.push(js.publish(`$KV.${BUCKET}.${key}`, value, { timeout: 20_000 }));
    if (batch.length < 500) continue;
    await Promise.all(batch);
    batch = [];
  }
  await Promise.all(batch);
}

function* fleet(sequence: number): Generator<[string, Uint8Array]> {
  for (let number = 0; number < hosts; number++) {
    const host = `h${number}`;
    for (let one = 0; one < each; one++) {
      const record = recordFrom(host, number * each + one, { service: `s${(number * each + one) % 1000}` });
      yield [recordKey('test', host, record.service, record.address, record.port), encodeRecord(record, { epoch: 1, sequence })];
    }
    yield [aliveKey('test', host), encodeAlive({ epoch: 1, sequence: sequence + 1, records: each })];
  }
}

describe('registry: scale', function () {
  this.timeout(180_000);

  it('nats-watchall-cliff, nats-memory-no-backpressure, nats-stalled-flow-control: 100,000 endpoints of 1,000 hosts are read, in bounded memory', () => withBus(async (bus) => {
    const first = bus.host('first', options);
    await first.is('synced');
    await first.registry.stop(false);
    await write(bus, fleet(1));
    global.gc?.();
    const before = process.memoryUsage().rss;
    const reader = bus.host('reader', options);
    await reader.knows(hosts * each, 60_000);
    await reader.is('synced');
    assert.equal(reader.registry.state.hosts, hosts + 1);
    assert.equal(reader.store.services().length, 1000);
    const grown = (process.memoryUsage().rss - before) / 2 ** 20;
    assert.ok(grown < 400, `memory grew by ${grown} MiB`);
  }));

  it('misses nothing of a churn, with the server killed and back with an empty store in the middle', () => withBus(async (bus) => {
    const writers = Array.from({ length: 10 }, (_, index) => bus.host(`w${index}`, options));
    const reader = bus.host('reader', options);
    for (const writer of [...writers, reader]) await writer.is('synced');
    for (let round = 1; round <= 20; round++) {
      for (const [index, writer] of writers.entries())
        writer.registry.publish(Array.from({ length: 50 }, (_, one) => recordFrom(writer.name, index * 50 + one, { weight: (round * 50 + one) % 1000 })));
      if (round === 10) {
        await bus.server.stop();
        bus.server.empty();
        await bus.server.start();
      }
      await sleep(100);
    }
    await reader.knows(500, 30_000);
    await eventually(() => {
      const wrong = writers.flatMap((writer, index) => Array.from({ length: 50 }, (_, one) => {
        const { address } = recordFrom(writer.name, index * 50 + one);
        const entry = reader.store.get(recordKey('test', writer.name, 'web', address, 80));
        return entry?.record.weight === (20 * 50 + one) % 1000 ? 0 : 1;
      })).reduce<number>((sum, bad) => sum + bad, 0);
      return wrong === 0 ? '' : `${wrong} of 500 are not what was said last`;
    }, 30_000);
    assert.equal(reader.registry.state.held, 0);
  }));
});
