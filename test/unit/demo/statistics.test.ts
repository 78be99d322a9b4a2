import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { block, compare, median } from '../../../demo/statistics.js';

describe('median', () => {
  it('is the middle, or between the two in the middle', () => {
    assert.equal(median([3]), 3);
    assert.equal(median([9, 1, 2]), 2);
    assert.equal(median([10, 1, 4, 2]), 3);
  });

  it('sorts numbers as numbers and leaves what it is given alone', () => {
    const values = [10, 9, 100];
    assert.equal(median(values), 10);
    assert.deepEqual(values, [10, 9, 100]);
  });

  it('of nothing is an error', () => {
    assert.throws(() => median([]), /nothing/);
  });
});

describe('a comparison', () => {
  const rounds = (...blocks: [number, number, number, number][]) =>
    blocks.flatMap((values, number) => values.map((value, index) => ({ block: number, path: block[index]!, value })));
  const of = (...blocks: [number, number, number, number][]) => compare(rounds(...blocks), ({ value }) => value);

  it('takes medians over the rounds of each path', () => {
    const { plain, accelerated } = of([10, 20, 22, 12], [11, 21, 23, 13]);
    assert.equal(plain, 11.5);
    assert.equal(accelerated, 21.5);
  });

  it('takes the median of ratios within a block, so that a slow block does not count for more', () => {
    const { ratio, lowest, highest } = of([100, 150, 150, 100], [10, 16, 16, 10], [1000, 1400, 1400, 1000]);
    assert.equal(ratio, 1.5);
    assert.equal(lowest, 1.4);
    assert.equal(highest, 1.6);
  });

  it('is not fooled by a steady drift: the block mirrors itself', () => {
    assert.equal(of([100, 110, 120, 130]).ratio, 1);
  });
});
