// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { Random } from '../../endurance/random.js';
import { explain, type Run, type Sample, type Seen, type Trouble } from '../../endurance/record.js';
import { judge } from '../../endurance/verdict.js';

const trouble = (over: Partial<Trouble> = {}): Trouble => ({
  what: 'error', error: 'ECONNRESET', shape: 'echo', seed: String((7n << 48n) + 123n), opened: 100, at: 200,
  sent: 1, toSend: 2, got: 3, toGet: 4, chunk: 5, wrong: { size: 0, right: 0, shift: 0, peeked: false }, unread: 0, unsent: 0, ...over,
});
const sample = (over: Partial<Sample> = {}): Sample => ({
  at: 0, agentRssKiB: 1000, programs: 0, maps: 0, links: 0, mapsKiB: 0, tcpMemoryKiB: 0, unreclaimableKiB: 0, ...over,
});
const good = (over: Partial<Run> = {}): Run => ({
  seed: 1, plain: false, churn: 0, pairsLeft: [], seconds: 1, faults: [], seen: [], samples: [sample(), sample({ programs: 5, maps: 12, links: 4 }), sample()],
  totals: { bytes: 1000, opened: 2, done: { echo: 1 } }, redirectedBytes: 500, accelerated: 1, agentStarts: 1, fallen: [], kernelComplaints: [], left: [], ...over,
});
const broken = (run: Run): string[] => judge(run).filter(({ otherwise }) => otherwise !== '').map(({ claim }) => claim);

describe('endurance', () => {
  it('a killed process explains what its peers saw within the time that it was away, and nothing else', () => {
    const absence = { process: 7, from: 150, to: 160 };
    assert.equal(explain(trouble(), [absence]), absence);
    assert.equal(explain(trouble({ what: 'cut_short' }), [absence]), absence);
    assert.equal(explain(trouble({ seed: '5' }), [absence]), absence, 'whoever did not say its number');
    assert.equal(explain(trouble({ seed: String(8n << 48n) }), [absence]), undefined, 'another process');
    assert.equal(explain(trouble({ at: 149 }), [absence]), undefined, 'before');
    assert.equal(explain(trouble({ opened: 161 }), [absence]), undefined, 'opened afterwards');
    for (const what of ['mismatch', 'too_many', 'hang'] as const) assert.equal(explain(trouble({ what }), [absence]), undefined, what);
  });

  it('a good run keeps every claim, and each thing that goes wrong breaks one', () => {
    assert.deepEqual(broken(good()), []);
    const seen = (what: Trouble['what']): Seen[] => [{ trouble: trouble({ what }), teller: 'client', because: undefined }];
    const bad: Partial<Run>[] = [
      { seen: seen('mismatch') }, { seen: seen('error') }, { seen: seen('connect') }, { seen: seen('cut_short') }, { seen: seen('hang') },
      { totals: { bytes: 1000, opened: 2, done: { echo: 1, up: 0 } } }, { redirectedBytes: 99 },
      { faults: [{ kind: 'x', from: 0, to: 1, complaint: 'no' }] }, { fallen: ['x'] }, { left: ['x'] }, { pairsLeft: ['x'] }, { kernelComplaints: ['x'] },
      { samples: [sample(), sample({ agentRssKiB: 300 * 1024 }), sample()] },
      { samples: [sample(), sample({ programs: 5 }), sample({ programs: 21 })] },
      { samples: [sample(), sample({ tcpMemoryKiB: 9000 })] },
    ];
    for (const over of bad) assert.equal(broken(good(over)).length, 1, JSON.stringify(over));
  });

  it('under churn, memory stays as it was after warm-up, and the connections were really opened', () => {
    const slope = (perSample: number): Sample[] => Array.from({ length: 100 }, (_, i) => sample({ unreclaimableKiB: i * perSample, programs: 1, maps: 1, links: 1 }));
    const churn = (over: Partial<Run>): Run => good({ churn: 1000, totals: { bytes: 1000, opened: 2000, done: {} }, ...over });
    assert.deepEqual(broken(churn({ samples: slope(100) })), []);
    assert.deepEqual(broken(churn({ samples: slope(1000) })), ['memory of agent and kernel is flat after warm-up']);
    assert.deepEqual(broken(churn({ samples: slope(0), totals: { bytes: 1000, opened: 1800, done: {} } })), ['as many connections as were asked for']);
  });

  it('a seed brings the same faults back', () => {
    const draw = (seed: number): number[] => {
      const random = new Random(seed);
      return [random.between(0, 99), random.child().between(0, 99), random.of([1, 2, 3]), random.between(5, 5)];
    };
    assert.deepEqual(draw(5), draw(5));
    assert.notDeepEqual(draw(5), draw(6));
    assert.equal(draw(5)[3], 5);
  });
});
