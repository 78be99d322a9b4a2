// SPDX-License-Identifier: Apache-2.0
/** The registry on a real nats-server: what one host says, the others know; and what a broker can do wrong. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, it } from 'mocha';
import { DiscardPolicy } from 'nats';
import { BUCKET } from '../../agent/bus/keys.js';
import { encodeAlive, encodeRecord } from '../../agent/bus/codec.js';
import { eventually } from '../helpers/kernel.js';
import { LEASE, recordFrom, REASSERT, withBus } from '../helpers/registry.js';

const stamp = (epoch: number, sequence = 1): { epoch: number; sequence: number } => ({ epoch, sequence });

describe('registry', function () {
  this.timeout(60_000);

  it('tells the other hosts what is there, what changed and what has gone', () => withBus(async (bus) => {
    const [a, b] = [bus.host('a'), bus.host('b')];
    a.publish(1, 2);
    await b.knows(2);
    a.registry.publish([recordFrom('a', 1, { weight: 7 })]);
    await b.knows(1);
    await eventually(() => (b.store.of('web')[0]!.record.weight === 7 ? '' : 'the weight has not arrived'));
    assert.deepEqual(a.known, [], 'what is our own is not ours to learn');
    await a.registry.stop(true);
    await b.knows(0);
  }));

  it('drops a host that fell silent when its lease is over, and not before', () => withBus(async (bus) => {
    const [a, b] = [bus.host('a'), bus.host('b')];
    a.publish(1);
    await b.knows(1);
    await a.registry.stop(false);
    await sleep(LEASE / 2);
    assert.equal(b.store.size, 1);
    await eventually(() => { b.registry.expire(); return b.store.size === 0 ? '' : 'it is still believed'; }, 2 * LEASE);
  }));

  it('nats-watch-dead-after-restart, nats-consumer-leak-on-reconnect: goes on after restarts, with one consumer for each host', () => withBus(async (bus) => {
    const [a, b] = [bus.host('a'), bus.host('b')];
    a.publish(1);
    await b.knows(1);
    for (let turn = 2; turn < 6; turn++) {
      await bus.server.stop('SIGTERM');
      await bus.server.start();
      a.publish(...Array.from({ length: turn }, (_, index) => index + 1));
      await b.knows(turn, 15_000);
    }
    assert.ok(b.registry.state.reconnects >= 4);
    const manager = await (await bus.admin()).jetstreamManager();
    await eventually(async () => {
      const { state: { consumer_count: count } } = await manager.streams.info(`KV_${BUCKET}`);
      return count === 2 ? '' : `${count} consumers for 2 hosts`;
    }, 15_000);
  }));

  it('withdraws nothing while the broker is away, and knows again what changed meanwhile', () => withBus(async (bus) => {
    const [a, b] = [bus.host('a'), bus.host('b')];
    a.publish(1, 2, 3);
    await b.knows(3);
    await bus.server.stop();
    await b.is('degraded');
    await sleep(3 * LEASE);
    b.registry.expire();
    assert.equal(b.store.size, 3, 'leases stand still while nobody could be heard');
    a.publish(1);
    await bus.server.start();
    await b.knows(1, 15_000);
  }));

  for (const count of [1, 50]) it(`keeps everything when the broker comes back empty, and gets it said again: endpoints ${count}`, () => withBus(async (bus) => {
    const [a, b] = [bus.host('a', { leaseMs: 5000 }), bus.host('b', { leaseMs: 5000 })];
    a.publish(...Array.from({ length: count }, (_, index) => index));
    await b.knows(count);
    const before = b.touched.length;
    await bus.server.stop();
    bus.server.empty();
    await bus.server.start();
    await eventually(() => (b.registry.state.reconnects > 0 && b.registry.state.state === 'synced' && b.registry.state.held === 0 ? '' : JSON.stringify(b.registry.state)), 15_000);
    assert.equal(b.store.size, count);
    assert.equal(b.touched.length, before, 'no endpoint was touched on the way');
  }));

  it('says at once again what somebody else has deleted', () => withBus(async (bus) => {
    const [a, b] = [bus.host('a', { reassertMs: 60_000 }), bus.host('b')];
    a.publish(1);
    await b.knows(1);
    const before = b.touched.length;
    const kv = await (await bus.admin()).jetstream().views.kv(BUCKET);
    await kv.delete('test.a.web.10-0-0-1_80');
    await eventually(() => (b.touched.length > before && b.store.size === 1 ? '' : `${b.store.size} endpoints`));
  }));

  it('a mass withdrawal is held back, reported, and applied when the leases run out', () => withBus(async (bus) => {
    const [a, b] = [bus.host('a', { leaseMs: 3000 }), bus.host('b', { leaseMs: 3000 })];
    a.publish(...Array.from({ length: 40 }, (_, index) => index));
    await b.knows(40);
    await a.registry.stop(false);
    const kv = await (await bus.admin()).jetstream().views.kv(BUCKET);
    for (let number = 0; number < 40; number++) await kv.delete(`test.a.web.10-0-0-${number}_80`);
    await eventually(() => (b.registry.state.held === 28 ? '' : JSON.stringify(b.registry.state)));
    assert.equal(b.store.size, 28);
    assert.ok(b.lines.lines.some(({ msg }) => /vanish from the bus at once/.test(msg)));
    await eventually(() => { b.registry.expire(); return b.store.size === 0 ? '' : `${b.store.size} are still there`; }, 6000);
  }));

  it('nats-gives-up-reconnecting: comes back after a server that was stopped in its tracks', () => withBus(async (bus) => {
    const [a, b] = [bus.host('a'), bus.host('b')];
    a.publish(1);
    await b.knows(1);
    bus.server.signal('SIGSTOP');
    await b.is('degraded', 10_000);
    await sleep(2 * LEASE);
    assert.equal(b.store.size, 1, 'a broker that lies low withdraws nothing');
    bus.server.signal('SIGCONT');
    await b.is('synced', 20_000);
    a.publish(1, 2);
    await b.knows(2);
  }));

  it('nats-watch-not-polled: a loop that was blocked over a restart catches up', () => withBus(async (bus) => {
    const [a, b] = [bus.host('a'), bus.host('b')];
    a.publish(1);
    await b.knows(1);
    await bus.server.stop('SIGTERM');
    const until = Date.now() + 3000;
    while (Date.now() < until);
    await bus.server.start();
    a.publish(1, 2, 3);
    await b.knows(3, 15_000);
  }));

  it('nats-double-subscription: reads each entry once after its consumer was deleted', () => withBus(async (bus) => {
    const [a, b] = [bus.host('a'), bus.host('b')];
    a.publish(1);
    await b.knows(1);
    const manager = await (await bus.admin()).jetstreamManager();
    for await (const { name } of manager.consumers.list(`KV_${BUCKET}`)) await manager.consumers.delete(`KV_${BUCKET}`, name);
    a.publish(1, 2);
    await b.knows(2, 40_000);
    const before = b.touched.length;
    a.publish(1, 2, 3);
    await b.knows(3);
    await sleep(REASSERT);
    assert.equal(b.touched.length, before + 1);
  }));

  it('makes the bucket anew when it was deleted under its feet', () => withBus(async (bus) => {
    const [a, b] = [bus.host('a'), bus.host('b')];
    a.publish(1);
    await b.knows(1);
    const manager = await (await bus.admin()).jetstreamManager();
    await manager.streams.delete(`KV_${BUCKET}`);
    a.publish(1, 2);
    await b.knows(2, 20_000);
    await b.is('synced', 20_000);
  }));

  it('believes nothing malformed, oversized, of another host, or of an earlier life', () => withBus(async (bus) => {
    const b = bus.host('b');
    await b.is('synced');
    const good = recordFrom('a');
    await bus.inject('test.a.alive', encodeAlive({ ...stamp(10), records: 0 }));
    await bus.inject('test.a.web.10-0-0-1_80', 'no JSON');
    await bus.inject('test.a.web.10-0-0-2_80', JSON.stringify({ v: 1, ...stamp(10), ...good, padding: 'x'.repeat(3000) }));
    await bus.inject('test.a.web.10-0-0-3_80', JSON.stringify({ v: 2, ...stamp(10), ...good }));
    await bus.inject('test.thief.web.10-0-0-1_80', encodeRecord(good, stamp(10)));
    await bus.inject('test.a.db.10-0-0-1_80', encodeRecord(good, stamp(10)));
    await bus.inject('test.a.web.10-0-0-9_80', encodeRecord(good, stamp(10)));
    for (const address of ['127.0.0.1', '::1', '::ffff:10.0.0.1', '0.0.0.0', '224.0.0.1', 'fe80::1', 'localhost'])
      await bus.inject(`test.a.web.${address.replace(/[.:]/g, '-')}_80`, encodeRecord({ ...good, address }, stamp(10)));
    await bus.inject('test.a.web.10-0-0-1_80', encodeRecord(good, stamp(10)));
    await b.knows(1);
    await bus.inject('test.a.web.10-0-0-1_80', encodeRecord({ ...good, weight: 1 }, stamp(9, 99)));
    await sleep(100);
    assert.equal(b.store.of('web')[0]!.record.weight, 100);
    assert.ok(b.registry.state.rejected >= 10, JSON.stringify(b.registry.state));
  }));

  it('does not believe for long what a dead host left in the bucket', () => withBus(async (bus) => {
    const a = bus.host('a');
    a.publish(1);
    await eventually(() => (a.registry.state.unpublished === 0 && a.registry.state.state === 'synced' ? '' : 'it is not out yet'));
    await a.registry.stop(false);
    await sleep(2 * LEASE);
    const b = bus.host('b');
    await b.is('synced');
    b.registry.expire();
    assert.equal(b.store.size, 0, 'by the clock of the server it had been dead for long');
  }));

  it('takes away what an earlier agent of this host left', () => withBus(async (bus) => {
    await bus.host('old').is('synced');
    await bus.inject('test.a.web.10-0-0-1_80', encodeRecord(recordFrom('a'), stamp(10)));
    const [a, b] = [bus.host('a'), bus.host('b')];
    await a.is('synced');
    await b.knows(0);
  }));

  it('two agents that say they are the same host: the younger one goes on, and both say so', () => withBus(async (bus) => {
    const first = bus.host('a');
    await first.is('synced');
    await sleep(5);
    const second = bus.host('a');
    await eventually(() => (first.registry.claimedBy > 0 ? '' : 'nobody noticed'));
    assert.equal(second.registry.claimedBy, 0);
    assert.ok(first.lines.lines.some(({ msg }) => /says that it is this host/.test(msg)));
  }));

  it('nats-kv-corrupt-after-kill: notices when a host stands for more than has arrived, and reads again', () => withBus(async (bus) => {
    const b = bus.host('b');
    await b.is('synced');
    for (let turn = 1; turn < 6; turn++) await bus.inject('test.a.alive', encodeAlive({ epoch: 5, sequence: turn, records: 3 }));
    await eventually(() => (b.registry.state.mismatches > 0 && b.registry.state.compares > 1 ? '' : JSON.stringify(b.registry.state)));
  }));

  it('nats-disk-full: keeps what it knows, says that it cannot write, and goes on when there is room', () => withBus(async (bus) => {
    const [a, b] = [bus.host('a'), bus.host('b')];
    a.publish(1);
    await b.knows(1);
    const manager = await (await bus.admin()).jetstreamManager();
    const { config, state } = await manager.streams.info(`KV_${BUCKET}`);
    // What a full disk comes to: nothing new is taken.
    await manager.streams.update(`KV_${BUCKET}`, { ...config, max_msgs: state.messages, discard: DiscardPolicy.New });
    a.publish(1, 2);
    await a.is('degraded');
    await sleep(3 * LEASE);
    assert.equal(b.store.size, 1);
    await manager.streams.update(`KV_${BUCKET}`, { ...config, max_msgs: -1 });
    await b.knows(2, 15_000);
    await a.is('synced', 15_000);
  }));

  it('nats-status-listener-leak: connects and closes without leaving anything', () => withBus(async (bus) => {
    const link = bus.linkOf('x');
    const listener = { lost: () => undefined, regained: () => undefined, closed: () => undefined };
    await (await link(listener)).close();
    const handles = (): number => process.getActiveResourcesInfo().length;
    const before = handles();
    for (let turn = 0; turn < 200; turn++) await (await link(listener)).close();
    await eventually(() => (handles() <= before + 2 ? '' : `${handles()} resources, ${before} before`));
  }));
});
