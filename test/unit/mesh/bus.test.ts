import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { LeaseClock } from '../../../agent/bus/clock.js';
import { decodeAlive, decodeTold, encodeAlive, encodeRecord, encodeWithdrawn } from '../../../agent/bus/codec.js';
import { endpointToken, parseKey, recordKey } from '../../../agent/bus/keys.js';
import { OwnRecords } from '../../../agent/bus/own.js';
import { canonical } from '../../../config/address.js';
import { HEALTH } from '../../../agent/endpoints/types.js';
import { recordOf } from './records.js';

const stamp = { epoch: 5, sequence: 3 };
const anyName = fc.stringMatching(/^[A-Za-z0-9]([A-Za-z0-9_-]{0,10}[A-Za-z0-9])?$/);
const anyAddress = fc.oneof(
  fc.tuple(fc.integer({ min: 1, max: 126 }), fc.nat(255), fc.nat(255), fc.nat(255)).map((parts) => parts.join('.')),
  fc.array(fc.nat(0xffff), { minLength: 8, maxLength: 8 }).map((groups) => canonical(`fd00:${groups.slice(1).map((group) => group.toString(16)).join(':')}`)),
);
const anyRecord = fc.record({
  service: anyName, address: anyAddress, port: fc.integer({ min: 1, max: 65_535 }), protocol: fc.constantFrom('tcp' as const, 'udp' as const),
  weight: fc.nat(10_000), zone: fc.oneof(fc.constant(''), anyName), version: fc.oneof(fc.constant(''), anyName), host: anyName,
  workload: fc.string({ maxLength: 15 }), health: fc.constantFrom(...HEALTH), draining: fc.boolean(),
});

describe('values on the bus', () => {
  it('come back as they were', () => {
    fc.assert(fc.property(anyRecord, (record) => {
      assert.deepEqual(decodeTold(encodeRecord(record, stamp)), { kind: 'record', record: { ...record }, stamp });
    }));
    assert.deepEqual(decodeTold(encodeWithdrawn(stamp)), { kind: 'withdrawn', stamp });
    assert.deepEqual(decodeAlive(encodeAlive({ ...stamp, records: 7 })), { ...stamp, records: 7 });
  });

  it('are refused, never thrown over, whatever they are', () => {
    fc.assert(fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.json().map((text) => new TextEncoder().encode(text))), (value) => {
      const told = decodeTold(value);
      assert.ok(told === undefined || told.kind === 'withdrawn');
      decodeAlive(value);
    }));
  });

  it('with one thing wrong are not believed', () => {
    const wrong: object[] = [
      { v: 2 }, { epoch: 0 }, { epoch: 1.5 }, { sequence: -1 }, { service: 'a.b' }, { service: '' }, { address: '10.0.0' }, { address: '::ffff:10.0.0.1' }, { address: 'FD00::1' },
      { port: 0 }, { port: 65_536 }, { port: '80' }, { protocol: 'sctp' }, { weight: -1 }, { weight: 1e9 }, { zone: 'a b' }, { version: null }, { host: 3 },
      { workload: 'x'.repeat(65) }, { health: 'fine' }, { draining: 'no' },
    ];
    const good = { v: 1, ...stamp, ...recordOf() };
    assert.ok(decodeTold(new TextEncoder().encode(JSON.stringify({ ...good, later: 'versions may say more' }))));
    for (const over of wrong) assert.equal(decodeTold(new TextEncoder().encode(JSON.stringify({ ...good, ...over }))), undefined, JSON.stringify(over));
  });
});

describe('keys on the bus', () => {
  it('are tokens without dots or colons, one for each endpoint, and tell whose they are', () => {
    fc.assert(fc.property(anyRecord, (record) => {
      const key = recordKey('c', record.host, record.service, record.address, record.port);
      assert.deepEqual(parseKey('c', key), { kind: 'record', host: record.host, service: record.service, endpoint: endpointToken(record.address, record.port) });
    }));
  });

  it('of anybody else are nobody\'s', () => {
    assert.deepEqual(parseKey('c', 'c.h.alive'), { kind: 'alive', host: 'h' });
    for (const key of ['', 'c', 'c.h', 'c.h.other', 'd.h.web.10-0-0-1_80', 'c.h.web.10-0-0-1_80.x', 'c.h.web.*', 'c.>.web.10-0-0-1_80', 'c.h.web.10-0-0-1', 'c.-.web.10-0-0-1_80'])
      assert.equal(parseKey('c', key), undefined, key);
  });
});

describe('what a host says', () => {
  const own = (): OwnRecords => new OwnRecords('c', 'h', 9);
  const sent = (records: OwnRecords): string[] => {
    const keys = records.dirty;
    for (const key of keys) records.written(key, records.stampOf(key));
    return keys;
  };

  it('is what changed, and what was given up', () => {
    const records = own();
    records.set([recordOf(), recordOf({ address: '10.0.0.2' })]);
    assert.equal(sent(records).length, 2);
    records.set([recordOf(), recordOf({ address: '10.0.0.2' })]);
    assert.deepEqual(sent(records), []);
    records.set([recordOf({ weight: 1 })]);
    assert.deepEqual(sent(records).sort(), ['c.h.web.10-0-0-1_8080', 'c.h.web.10-0-0-2_8080']);
    assert.equal(records.size, 1);
  });

  it('stays unsaid when it changed while it was being written', () => {
    const records = own();
    records.set([recordOf()]);
    const [key = ''] = records.dirty;
    const before = records.stampOf(key);
    records.set([recordOf({ weight: 2 })]);
    records.written(key, before);
    assert.deepEqual(records.dirty, [key]);
  });

  it('is said again where the bus has lost it', () => {
    const records = own();
    records.set([recordOf(), recordOf({ address: '10.0.0.2' })]);
    sent(records);
    records.reassert(new Set(['c.h.web.10-0-0-1_8080']));
    assert.deepEqual(sent(records), ['c.h.web.10-0-0-2_8080']);
  });

  it('has numbers that only grow', () => {
    const records = own();
    records.set([recordOf()]);
    const first = records.stampOf('c.h.web.10-0-0-1_8080')!;
    const alive = records.alive();
    records.reassert();
    assert.ok(first.sequence < alive.sequence && alive.sequence < records.stampOf('c.h.web.10-0-0-1_8080')!.sequence);
  });
});

describe('the clock of leases', () => {
  it('stands still while nobody could be heard', () => {
    let steady = 0;
    const clock = new LeaseClock(() => steady);
    steady = 1000;
    assert.equal(clock.now, 0);
    clock.alive = true;
    steady = 4000;
    assert.equal(clock.now, 3000);
    clock.alive = false;
    steady = 3_600_000;
    assert.equal(clock.now, 3000);
    clock.alive = true;
    steady = 3_601_000;
    assert.equal(clock.now, 4000);
  });
});
