// SPDX-License-Identifier: Apache-2.0
/**
 * Services in figures, on a real nats-server and the real programs, as JSON: how long an endpoint takes from the bus to the
 * kernel, one at a time and under a thousand changes a second, how long a fleet takes to read, what balancing adds to a
 * connect(), how long clients wait by each policy when endpoints are of unequal speed, and whether counts, drains and an
 * absent broker hold over many connections. `npm run bench:mesh [-- PART...]`; all parts take some twenty minutes, with
 * `--short` three.
 */
import { encodeAlive, encodeRecord } from '../../agent/bus/codec.js';
import { takeLock } from '../helpers/kernel.js';
import { withBus, type TestBus } from '../helpers/registry.js';
import { churn, oneByOne } from './mesh-changes.js';
import { connectCost } from './mesh-connect.js';
import { brokerAway, drains, exactCounts } from './mesh-lasting.js';
import { unequal } from './mesh-policies.js';
import { aliveSubject, options, recordOf, subjectOf, write } from './mesh-ground.js';

async function fleet(bus: TestBus, hosts: number, each: number): Promise<object> {
  const first = bus.host('first', options);
  await first.is('synced');
  await first.registry.stop(false);
  const admin = await bus.admin();
  await write(admin, Array.from({ length: hosts * each }, (_, number) => {
    const one = recordOf(number, 1000, {}, `h${Math.floor(number / each)}`);
    return [subjectOf(one), encodeRecord(one, { epoch: 1, sequence: 1 })] as const;
  }));
  await write(admin, Array.from({ length: hosts }, (_, number) => [aliveSubject(`h${number}`), encodeAlive({ epoch: 1, sequence: 2, records: each })] as const));
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

async function onBus(part: (bus: TestBus) => Promise<object>): Promise<object> {
  let figures = {};
  await withBus(async (bus) => { figures = await part(bus); });
  return figures;
}

const words = process.argv.slice(2);
const short = words.includes('--short');
const parts: Readonly<Record<string, () => Promise<object>>> = {
  connect: () => connectCost(short ? 5 : 15, short ? 5000 : 20_000),
  unequal: () => unequal(short ? 1 : 3, short ? 4 : 8),
  manySmall: () => onBus((bus) => oneByOne(bus, { services: 1000, each: 10 }, short ? 200 : 1000)),
  fewLarge: () => onBus((bus) => oneByOne(bus, { services: 10, each: 1000 }, short ? 100 : 500)),
  hundredThousand: () => onBus((bus) => oneByOne(bus, { services: 1000, each: 100 }, short ? 200 : 1000)),
  churn: () => onBus((bus) => churn(bus, { services: 1000, each: 100 }, 1000, short ? 5 : 60)),
  fleet: () => onBus((bus) => fleet(bus, 1000, 100)),
  exact: () => exactCounts(short ? 50_000 : 1_000_000),
  drain: () => drains(short ? 5000 : 100_000),
  away: () => (short ? brokerAway(20, 2000, 8000) : brokerAway(600, 10_000, 30_000)),
};
const chosen = words.filter((word) => !word.startsWith('--'));
for (const name of chosen) if (!(name in parts)) throw new Error(`there is no part ${name}; take of ${Object.keys(parts).join(', ')}`);

const figures: Record<string, unknown> = { node: process.version };
for (const [name, part] of Object.entries(parts)) {
  if (chosen.length > 0 && !chosen.includes(name)) continue;
  const release = await takeLock();
  try {
    figures[name] = await part();
  } finally {
    release();
  }
}
process.stdout.write(`${JSON.stringify(figures, undefined, 2)}\n`);
