// SPDX-License-Identifier: Apache-2.0
/** Hosts that cannot reach each other, brokers that stand in for each other, clocks that are wrong. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, it } from 'mocha';
import { connect } from 'nats';
import { BUCKET } from '../../agent/bus/keys.js';
import { encodeAlive } from '../../agent/bus/codec.js';
import { eventually } from '../helpers/kernel.js';
import { Cable, withCluster } from '../helpers/nats-server.js';
import { LEASE, recordFrom, TestBus, withBus, type TestHost } from '../helpers/registry.js';

/** The clock on the wall of whoever begins meanwhile. */
function at<T>(ms: number, begin: () => T): T {
  const real = Date.now;
  Date.now = () => ms;
  try {
    return begin();
  } finally {
    Date.now = real;
  }
}

const aheadMs = 10 * 365 * 86_400_000;
const weight = (host: TestHost): number | undefined => host.store.of('web')[0]?.record.weight;

describe('registry: partitions', function () {
  this.timeout(60_000);

  it('a host that is cut off keeps what it knows, and is forgotten by the others when its lease is over; then all is as before', () => withBus(async (bus) => {
    const cable = new Cable(bus.server);
    try {
      const far = await cable.start();
      const [a, b, cutOff] = [bus.host('a'), bus.host('b'), bus.host('c', {}, { servers: [far] })];
      a.publish(1);
      b.publish(2);
      cutOff.publish(3);
      for (const host of [a, b, cutOff]) await host.knows(2);
      cable.cut();
      await eventually(() => { a.registry.expire(); b.registry.expire(); return a.store.size + b.store.size === 2 ? '' : `${a.store.size} and ${b.store.size} are known`; }, 4 * LEASE);
      await cutOff.is('degraded', 20_000);
      a.publish(1, 4);
      await sleep(2 * LEASE);
      cutOff.registry.expire();
      assert.deepEqual(cutOff.known, ['10.0.0.1', '10.0.0.2']);
      cable.mend();
      await cutOff.knows(3, 20_000);
      for (const host of [a, b]) await host.knows(2 + (host === b ? 1 : 0), 20_000);
    } finally {
      cable.close();
    }
  }));
});

describe('registry: a cluster of three brokers', function () {
  this.timeout(240_000);

  it('one that dies is not noticed, two that die withdraw nothing, and whoever is left goes on when they are back', () => withCluster(3, async (servers) => {
    const bus = new TestBus(servers[0]!);
    const everywhere = { servers: servers.map(({ url }) => url) };
    try {
      const admin = await connect({ ...everywhere, maxReconnectAttempts: -1 });
      // A cluster needs its time to agree on who leads it.
      await eventually(() => admin.jetstream({ timeout: 1000 }).views.kv(BUCKET, { replicas: 3, ttl: 3_600_000 }).then(() => '', (error: unknown) => String(error)), 30_000);
      const [a, b] = [bus.host('a', { leaseMs: 5000 }, everywhere), bus.host('b', { leaseMs: 5000 }, everywhere)];
      a.publish(1);
      await b.knows(1, 20_000);
      const { cluster } = await (await admin.jetstreamManager()).streams.info(`KV_${BUCKET}`);
      const leader = servers[Number(cluster!.leader!.slice(1))]!;
      await admin.close();
      await leader.stop();
      a.publish(1, 2);
      // The brokers elect twice, and each question to one that cannot answer takes its five seconds.
      await b.knows(2, 90_000);
      const [second] = servers.filter((server) => server !== leader);
      await second!.stop();
      await eventually(() => ([a, b].every(({ registry }) => registry.state.state === 'degraded') ? '' : JSON.stringify([a.registry.state, b.registry.state])), 30_000);
      a.publish(1, 2, 3);
      await sleep(6000);
      b.registry.expire();
      assert.equal(b.store.size, 2, 'leases stand still while nobody agrees on anything');
      await Promise.all([leader.start(), second!.start()]);
      await b.knows(3, 60_000);
    } finally {
      for (const { registry } of bus.hosts) await registry.stop(false);
    }
  }));
});

describe('registry: clocks', function () {
  this.timeout(60_000);

  it('hosts whose clocks are years apart understand each other', () => withBus(async (bus) => {
    const [slow, right, fast] = [at(1000, () => bus.host('slow')), bus.host('right'), at(Date.now() + aheadMs, () => bus.host('fast'))];
    for (const host of [slow, right, fast]) host.publish(host === slow ? 1 : host === right ? 2 : 3);
    for (const host of [slow, right, fast]) await host.knows(2);
    await sleep(2 * LEASE);
    for (const host of [slow, right, fast]) { host.registry.expire(); assert.equal(host.store.size, 2); }
  }));

  it('an agent that comes back with its clock set right, or wrong, is believed at once, and its last word holds', () => withBus(async (bus) => {
    const b = bus.host('b');
    const lives = [Date.now() + aheadMs, 1000, Date.now()];
    for (const [life, now] of lives.entries()) {
      const a = at(now, () => bus.host('a'));
      a.registry.publish([recordFrom('a', 1, { weight: life + 1 })]);
      await eventually(() => (weight(b) === life + 1 ? '' : `life ${life}: the weight is ${weight(b)}`));
      assert.equal(a.registry.claimedBy, 0);
      await a.registry.stop(false);
    }
  }));

  it('of two agents of one name the one that began later goes on, whatever their clocks say', () => withBus(async (bus) => {
    const b = bus.host('b');
    const first = at(Date.now() + aheadMs, () => bus.host('a'));
    first.publish(1);
    await b.knows(1);
    const second = at(1000, () => bus.host('a'));
    second.publish(1, 2);
    await eventually(() => (first.registry.claimedBy > 0 ? '' : 'nobody noticed'));
    await b.knows(2);
    await sleep(2 * LEASE);
    b.registry.expire();
    assert.deepEqual([b.store.size, second.registry.claimedBy], [2, 0]);
  }));

  it('a host that lost its bucket and its clock is believed when its earlier life is over', () => withBus(async (bus) => {
    const b = bus.host('b');
    await b.is('synced');
    // Its last word before both were lost.
    await bus.inject('test.a.alive', encodeAlive({ epoch: Date.now() + aheadMs, sequence: 1, records: 0 }));
    await eventually(() => (b.registry.state.hosts === 1 ? '' : `${b.registry.state.hosts} hosts`));
    const manager = await (await bus.admin()).jetstreamManager();
    await manager.streams.purge(`KV_${BUCKET}`);
    const a = at(1000, () => bus.host('a'));
    a.publish(1);
    // Its signs of life are taken for old ones until the earlier life is forgotten. Then it is renewed, and stays.
    let since: number | undefined;
    await eventually(() => {
      b.registry.expire();
      since = b.known.length === 1 ? since ?? performance.now() : undefined;
      return since !== undefined && performance.now() - since > 1.5 * LEASE ? '' : JSON.stringify(b.registry.state);
    }, 15 * LEASE);
  }));
});
