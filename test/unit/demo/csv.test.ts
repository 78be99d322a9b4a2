import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { parseBenchmark } from '../../../demo/csv.js';

const titles = '"test","rps","avg_latency_ms","min_latency_ms","p50_latency_ms","p95_latency_ms","p99_latency_ms","max_latency_ms"';
const set = '"SET","77220.08","0.344","0.128","0.327","0.527","0.935","2.079"';
const get = '"GET","76923.08","0.348","0.104","0.319","0.511","0.775","7.903"';

describe('the output of redis-benchmark', () => {
  it('gives rate and latencies of both kinds, in whichever order they come', () => {
    const wanted = {
      GET: { requestsPerSecond: 76923.08, p50Ms: 0.319, p99Ms: 0.775 },
      SET: { requestsPerSecond: 77220.08, p50Ms: 0.327, p99Ms: 0.935 },
    };
    assert.deepEqual(parseBenchmark([titles, set, get, ''].join('\n')), wanted);
    assert.deepEqual(parseBenchmark([titles, get, set].join('\n')), wanted);
  });

  it('finds a column by its title', () => {
    const text = ['"test","p99_latency_ms","p50_latency_ms","rps"', '"GET","3","2","1"', '"SET","6","5","4"'].join('\n');
    assert.deepEqual(parseBenchmark(text).SET, { requestsPerSecond: 4, p50Ms: 5, p99Ms: 6 });
  });

  it('is refused when a figure is missing or makes no sense', () => {
    assert.throws(() => parseBenchmark([titles, set].join('\n')), /no rps for GET/);
    assert.throws(() => parseBenchmark([titles.replace('p99', 'p999'), set, get].join('\n')), /no p99_latency_ms for GET/);
    assert.throws(() => parseBenchmark([titles, set, get.replace('76923.08', 'inf?')].join('\n')), /no rps for GET/);
    assert.throws(() => parseBenchmark('Could not connect to Redis at 127.0.0.1:1: Connection refused\n'), /Connection refused/);
  });
});
