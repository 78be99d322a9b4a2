import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { readOptions, UsageError } from '../../../demo/options.js';
import { requestsFor } from '../../../demo/rounds.js';

describe('the flags of the demo', () => {
  it('need none', () => {
    assert.deepEqual(readOptions([]), { blocks: 3, roundSeconds: 2.5, roundTrips: 20_000, roundTripBlocks: 2, json: false });
  });

  it('make it longer, shorter, or for machines', () => {
    assert.equal(readOptions(['--rounds', '5'])?.blocks, 5);
    assert.equal(readOptions(['--quick'])?.blocks, 1);
    assert.equal(readOptions(['--quick', '--rounds', '2'])?.blocks, 2);
    assert.equal(readOptions(['-o', 'json'])?.json, true);
  });

  it('are refused with what is wrong', () => {
    for (const argv of [['--rounds', '0'], ['--rounds', '51'], ['--rounds', 'x'], ['-o', 'xml'], ['--fast'], ['extra']])
      assert.throws(() => readOptions(argv), UsageError, argv.join(' '));
  });
});

describe('the length of a round', () => {
  const benchmark = (get: number, set: number) => ({
    GET: { requestsPerSecond: get, p50Ms: 1, p99Ms: 1 },
    SET: { requestsPerSecond: set, p50Ms: 1, p99Ms: 1 },
  });

  it('is what GET and SET take together', () => {
    assert.equal(requestsFor(benchmark(80_000, 80_000), 2.5), 100_000);
    assert.equal(requestsFor(benchmark(60_000, 30_000), 3), 60_000);
  });

  it('has limits', () => {
    assert.equal(requestsFor(benchmark(10, 10), 2), 5000);
    assert.equal(requestsFor(benchmark(1e9, 1e9), 2), 1_000_000);
  });
});
