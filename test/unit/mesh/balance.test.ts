import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { maglevTable, sizeFor } from '../../../agent/balance/maglev.js';
import { buildTable } from '../../../agent/balance/table.js';
import { aliasSlots, turnSlots, weigh, type Candidate, type Weighted } from '../../../agent/balance/weights.js';
import { serviceOf } from './records.js';

const candidate = (number: number, over: Partial<Candidate> = {}): Candidate =>
  ({ number, identity: `10.0.0.${number}|80`, weight: 100, version: '', sameHost: false, sameZone: false, ...over });
const weighted = (weights: readonly number[]): Weighted[] => weights.map((weight, index) => ({ candidate: candidate(index + 1), weight }));

/** The share that the kernel would give each endpoint, from the slots alone. */
function sharesOf(slots: readonly number[]): Map<number, number> {
  const shares = new Map<number, number>();
  const count = slots.length / 3;
  for (let at = 0; at < slots.length; at += 3) {
    const keep = (slots[at + 2]! + 1) / 2 ** 32;
    shares.set(slots[at]!, (shares.get(slots[at]!) ?? 0) + keep / count);
    shares.set(slots[at + 1]!, (shares.get(slots[at + 1]!) ?? 0) + (1 - keep) / count);
  }
  return shares;
}

const anyWeights = fc.array(fc.integer({ min: 1, max: 10_000 }), { minLength: 1, maxLength: 200 });

describe('weights', () => {
  it('come out of alias slots exactly, whatever they are', () => {
    fc.assert(fc.property(anyWeights, (weights) => {
      const sum = weights.reduce((total, weight) => total + weight, 0);
      const shares = sharesOf(aliasSlots(weighted(weights)));
      weights.forEach((weight, index) => { assert.ok(Math.abs((shares.get(index + 1) ?? 0) - weight / sum) < 1e-6); });
    }));
  });

  it('come out of a round in turn, spread over it', () => {
    fc.assert(fc.property(fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 2, maxLength: 20 }), (weights) => {
      const order = turnSlots(weighted(weights)).filter((_, index) => index % 3 === 0);
      weights.forEach((_, index) => {
        const share = order.filter((number) => number === index + 1).length / order.length;
        const half = order.slice(0, Math.floor(order.length / 2)).filter((number) => number === index + 1).length;
        assert.ok(Math.abs(half - share * (order.length / 2)) <= 2 + weights.length / 4);
      });
    }));
  });

  it('give everybody a turn, in a round that is bounded', () => {
    fc.assert(fc.property(anyWeights, (weights) => {
      const order = turnSlots(weighted(weights)).filter((_, index) => index % 3 === 0);
      assert.equal(new Set(order).size, weights.length);
      assert.ok(order.length <= 4096 + weights.length);
    }));
  });

  it('of a split are shares of versions, however many endpoints each has', () => {
    const candidates = [1, 2, 3].map((number) => candidate(number, { version: 'v1' })).concat(candidate(4, { version: 'v2' }), candidate(5, { version: 'v3' }));
    const split = weigh(candidates, { v1: 90, v2: 10 });
    const sum = split.reduce((total, { weight }) => total + weight, 0);
    const share = (numbers: number[]): number => split.filter((one) => numbers.includes(one.candidate.number)).reduce((total, { weight }) => total + weight, 0) / sum;
    assert.deepEqual([share([1, 2, 3]).toFixed(3), share([4]).toFixed(3), share([5])], ['0.900', '0.100', 0]);
  });

  it('leave the share of a version without endpoints to the others', () => {
    assert.deepEqual(weigh([candidate(1, { version: 'v1' })], { v1: 1, v2: 99 }).map(({ candidate: { number } }) => number), [1]);
  });
});

describe('the consistent table', () => {
  it('is full, fair, and the same in whatever order the endpoints are known', () => {
    fc.assert(fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 60_000 }), { minLength: 1, maxLength: 50 }), (numbers) => {
      const members = numbers.map((number) => ({ candidate: candidate(number), weight: 100 }));
      const size = sizeFor(members.length);
      const table = maglevTable(members, size);
      assert.deepEqual(maglevTable([...members].reverse(), size), table);
      const counts = numbers.map((number) => table.filter((one) => one === number).length);
      assert.ok(Math.max(...counts) - Math.min(...counts) <= 1);
    }), { numRuns: 30 });
  });

  it('moves few of the others when one goes', () => {
    const members = Array.from({ length: 50 }, (_, index) => ({ candidate: candidate(index + 1), weight: 100 }));
    const size = sizeFor(50);
    const before = maglevTable(members, size), after = maglevTable(members.slice(1), size);
    const moved = before.filter((number, place) => number !== 1 && number !== after[place]).length;
    assert.ok(moved / size < 0.05, `${moved} of ${size} moved`);
  });

  it('follows the weights', () => {
    const members = [{ candidate: candidate(1), weight: 300 }, { candidate: candidate(2), weight: 100 }];
    const table = maglevTable(members, 4093);
    assert.ok(Math.abs(table.filter((number) => number === 1).length / 4093 - 0.75) < 0.01);
  });
});

describe('a table', () => {
  it('has tiers only for a preference, and none that holds everybody', () => {
    const candidates = [candidate(1, { sameHost: true, sameZone: true }), candidate(2, { sameZone: true }), candidate(3)];
    const tiers = (locality: object, of = candidates): object => buildTable(serviceOf({ locality }), of).table.tiers;
    assert.deepEqual(tiers({ prefer: 'none' }), { host: 0, zone: 0, all: 3 });
    assert.deepEqual(tiers({ prefer: 'host' }), { host: 1, zone: 2, all: 3 });
    assert.deepEqual(tiers({ prefer: 'zone' }), { host: 0, zone: 2, all: 3 });
    assert.deepEqual(tiers({ prefer: 'host' }, candidates.slice(0, 1)), { host: 0, zone: 0, all: 1 });
  });

  it('leaves out who has no weight', () => {
    assert.deepEqual([...buildTable(serviceOf(), [candidate(1), candidate(2, { weight: 0 })]).table.slots].filter((_, index) => index % 3 === 0), [1]);
    assert.equal(buildTable(serviceOf({ policy: 'maglev' }), []).table.maglev.length, 0);
  });
});
