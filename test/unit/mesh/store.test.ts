import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { Guard } from '../../../agent/endpoints/guard.js';
import { EndpointStore } from '../../../agent/endpoints/store.js';
import { recordOf } from './records.js';

const lease = 30_000;
const stamp = (sequence: number, epoch = 1): { epoch: number; sequence: number } => ({ epoch, sequence });

function told(store: EndpointStore, count: number, until = lease): string[] {
  const keys = Array.from({ length: count }, (_, index) => `c.h${index % 10}.web.${index}`);
  keys.forEach((key, index) => { store.tell(key, recordOf({ address: `10.0.${index >> 8}.${index & 255}`, host: `h${index % 10}` }), `h${index % 10}`, stamp(1), until); });
  return keys;
}

describe('the store of endpoints', () => {
  it('answers with what a change touched, and with nothing when nothing changed', () => {
    const store = new EndpointStore(10);
    assert.deepEqual(store.tell('k', recordOf(), 'h', stamp(1), lease), [{ service: 'web', key: 'k' }]);
    assert.deepEqual(store.tell('k', recordOf(), 'h', stamp(2), lease), []);
    assert.deepEqual(store.tell('k', recordOf({ weight: 7 }), 'h', stamp(3), lease), [{ service: 'web', key: 'k' }]);
  });

  it('nats-stale-value-after-node-restart: never goes back to an older record', () => {
    const store = new EndpointStore(10);
    store.tell('k', recordOf({ weight: 5 }), 'h', stamp(5), lease);
    assert.deepEqual(store.tell('k', recordOf({ weight: 4 }), 'h', stamp(4), lease), []);
    assert.deepEqual(store.withdraw('k', stamp(4)), []);
    assert.equal(store.get('k')!.record.weight, 5);
    store.tell('k', recordOf({ weight: 1 }), 'h', stamp(1, 2), lease);
    assert.equal(store.get('k')!.record.weight, 1, 'a new life of the owner counts from its own beginning');
  });

  it('nats-ttl-expiry-silent, nats-per-key-ttl-no-marker: drops what nobody renews, without any event', () => {
    const store = new EndpointStore(10);
    store.tell('k', recordOf(), 'h', stamp(1), lease);
    assert.deepEqual(store.expire(lease - 1), []);
    store.renew('h', 1, 2 * lease);
    assert.deepEqual(store.expire(lease), []);
    store.renew('h', 2, 9 * lease);
    assert.deepEqual(store.expire(2 * lease), [{ service: 'web', key: 'k' }], 'another life of the host does not stand for it');
    assert.deepEqual([store.size, store.leases, store.services()], [0, 0, []]);
  });

  it('keeps what the broker has lost until the leases run out, one endpoint as well as many, and reports it', () => {
    const small = new EndpointStore(9);
    told(small, 1);
    small.compare(new Set());
    assert.deepEqual([small.size, small.held], [1, 1]);
    const store = new EndpointStore(1000, new Guard(30));
    told(store, 100);
    store.compare(new Set());
    assert.deepEqual([store.size, store.held], [100, 100]);
    store.renew('h1', 1, 9 * lease);
    assert.equal(store.expire(lease).length, 100, 'a sign of life does not stand for records that are gone');
  });

  it('lets go of what is told again after it had vanished', () => {
    const store = new EndpointStore(1000, new Guard(30));
    const [first = ''] = told(store, 100);
    store.compare(new Set());
    store.tell(first, recordOf({ address: '10.0.0.0', host: 'h0' }), 'h0', stamp(2), 2 * lease);
    assert.equal(store.held, 99);
    assert.equal(store.expire(lease).length, 99);
  });

  it('believes a few that vanish, and a share of many, in any second', () => {
    const store = new EndpointStore(1000, new Guard(30));
    const keys = told(store, 100);
    const gone = keys.map((key) => store.vanish(key, 0).length).reduce((sum, count) => sum + count, 0);
    assert.deepEqual([gone, store.size, store.held], [30, 70, 70]);
    const few = new EndpointStore(9, new Guard(1));
    assert.deepEqual(told(few, 4).map((key) => few.vanish(key, 0).length), [1, 1, 1, 1]);
  });

  it('keeps its own knowledge whatever the bus says', () => {
    const store = new EndpointStore(10);
    store.put('own', recordOf({ weight: 3 }), 'local');
    assert.deepEqual(store.tell('own', recordOf({ weight: 9 }), 'thief', stamp(9), lease), []);
    assert.deepEqual([store.vanish('own', 0), store.withdraw('own', stamp(99)), store.expire(1e12)], [[], [], []]);
    store.compare(new Set());
    assert.equal(store.held, 0);
    assert.equal(store.get('own')!.record.weight, 3);
  });

  it('is bounded: what finds no room is counted', () => {
    const store = new EndpointStore(50);
    told(store, 80);
    assert.deepEqual([store.size, store.refused], [50, 30]);
  });

  it('lb-endpoint-count-lost: counts what is there, whatever came in whatever order', () => {
    const key = fc.integer({ min: 0, max: 8 }).map((number) => `k${number}`);
    const change = fc.oneof(
      fc.record({ kind: fc.constant('tell' as const), key, service: fc.constantFrom('web', 'db'), owner: fc.constantFrom('a', 'b'), sequence: fc.integer({ min: 0, max: 5 }), until: fc.integer({ min: 0, max: 99 }) }),
      fc.record({ kind: fc.constant('put' as const), key, service: fc.constantFrom('web', 'db') }),
      fc.record({ kind: fc.constant('remove' as const), key }), fc.record({ kind: fc.constant('vanish' as const), key }), fc.record({ kind: fc.constant('withdraw' as const), key }),
      fc.record({ kind: fc.constant('expire' as const), at: fc.integer({ min: 0, max: 99 }) }),
      fc.record({ kind: fc.constant('compare' as const), known: fc.array(key) }),
    );
    fc.assert(fc.property(fc.array(change, { maxLength: 60 }), (changes) => {
      const store = new EndpointStore(6, new Guard(50));
      for (const one of changes) {
        if (one.kind === 'tell') store.tell(one.key, recordOf({ service: one.service }), one.owner, stamp(one.sequence), one.until);
        else if (one.kind === 'put') store.put(one.key, recordOf({ service: one.service }), 'local');
        else if (one.kind === 'remove') store.remove(one.key);
        else if (one.kind === 'vanish') store.vanish(one.key, 0);
        else if (one.kind === 'withdraw') store.withdraw(one.key, stamp(9));
        else if (one.kind === 'expire') store.expire(one.at);
        else store.compare(new Set(one.known));
        const entries = store.services().flatMap((service) => store.of(service));
        assert.equal(entries.length, store.size);
        assert.equal(entries.filter(({ origin }) => origin === 'bus').length, store.leases);
        assert.equal(store.owners().reduce((sum, owner) => sum + store.ownedBy(owner), 0), store.leases);
        for (const { key: known, record } of entries) assert.ok(store.keysOf(record.service).has(known));
      }
    }));
  });
});
