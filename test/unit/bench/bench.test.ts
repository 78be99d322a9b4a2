// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chart } from '../../bench/chart.js';
import { readOptions, UsageError } from '../../bench/options.js';
import { compareRuns, noisy, reaches, readRun, writeRun, type Measured, type Run } from '../../bench/record.js';
import { markdown, report } from '../../bench/report.js';
import { doubled, ROWS } from '../../bench/rows.js';
import { changeOf, ratioOf } from '../../bench/statistics.js';

const proof = { redirected: 90, passed: 10, packets: 5 };
const measured = (over: Partial<Measured> = {}): Measured => ({
  id: 'row', what: 'a row', unit: 'us', better: 'less', baselineMode: 'plain', contenderMode: 'auto', blocks: [],
  ratio: 0.6, low: 0.58, high: 0.62, baseline: 20, contender: 12, proof, baselineProof: proof, stolenTicks: 0, at: '', ...over,
});
const machine = { sidestep: '1', commit: 'abc', kernel: '6', cpu: 'x', cpus: 2, memoryGiB: 1, node: '20', programs: {}, load: '0' };
const run = (...rows: Measured[]): Run => ({ apiVersion: 1, machine, sampleMs: 100, rows });

describe('bench: a ratio', () => {
  const block = (a: number, b: number, c: number, d: number) => ({ baseline: [a, d], contender: [b, c] });

  it('is the median of the blocks, so that a drift within a block cancels out', () => {
    const { ratio } = ratioOf([block(100, 55, 60, 110), block(10, 5.5, 6, 11), block(100, 55, 60, 110)]);
    assert.ok(Math.abs(ratio - Math.sqrt(55 * 60) / Math.sqrt(100 * 110)) < 1e-9);
  });

  it('has an interval that holds it, and that is the same each time', () => {
    const blocks = [1, 1.1, 0.9, 1.05, 0.95, 1.2].map((factor) => block(100, 50 * factor, 50 * factor, 100));
    const first = ratioOf(blocks);
    assert.deepEqual(ratioOf(blocks), first);
    assert.ok(first.low <= first.ratio && first.ratio <= first.high && first.low < first.high);
    assert.ok(first.low >= 0.45 && first.high <= 0.6);
  });

  it('of blocks that all say the same has no width', () => {
    const { low, high } = ratioOf([block(4, 2, 2, 4), block(8, 4, 4, 8)]);
    assert.ok(Math.abs(low - 0.5) < 1e-12 && Math.abs(high - 0.5) < 1e-12);
  });
});

describe('bench: a comparison', () => {
  const at = (low: number, high: number) => ({ ratio: (low + high) / 2, low, high, baseline: 1, contender: 1 });

  it('is a change only beyond both intervals', () => {
    assert.equal(changeOf(at(0.9, 1.1), at(1.05, 1.2), 'more'), 'same');
    assert.equal(changeOf(at(0.9, 1), at(1.05, 1.2), 'more'), 'better');
    assert.equal(changeOf(at(0.9, 1), at(1.05, 1.2), 'less'), 'worse');
    assert.equal(changeOf(at(0.9, 1), at(0.7, 0.8), 'more'), 'worse');
    assert.equal(changeOf(at(0.9, 1), at(0.7, 0.8), 'less'), 'better');
  });

  it('leaves out what only one of the runs has', () => {
    const compared = compareRuns(run(measured(), measured({ id: 'gone' })), run(measured({ ratio: 0.8, low: 0.78, high: 0.82 }), measured({ id: 'new' })));
    assert.deepEqual(compared.map(({ row, change }) => [row.id, change]), [['row', 'worse']]);
  });
});

describe('bench: a run', () => {
  it('outlives the process', () => {
    const folder = mkdtempSync(join(tmpdir(), 'bench-')), file = join(folder, 'run.json');
    try {
      writeRun(file, run(measured()));
      assert.deepEqual(readRun(file), run(measured()));
      writeFileSync(file, '{}');
      assert.throws(() => readRun(file), /is not what `npm run bench -- --out FILE` writes/);
      writeFileSync(file, '{');
      assert.throws(() => readRun(file), /cannot be read as the JSON of a run/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('says which targets are missed, and when the controls were restless', () => {
    assert.equal(reaches(measured({ target: 0.62 })), true);
    assert.equal(reaches(measured({ target: 0.5 })), false);
    assert.equal(reaches(measured({ target: 0.5, better: 'more' })), true);
    assert.equal(reaches(measured()), undefined);
    const control = measured({ id: 'row/control', contenderMode: 'plain', ratio: 1, low: 0.9, high: 1.01 });
    assert.deepEqual(noisy(run(measured(), control)).map(({ id }) => id), ['row/control']);
    const text = report(run(measured({ target: 0.5 }), control), 200).join('\n');
    assert.match(text, /2 rows, 1 below their target: row\n/);
    assert.match(text, /row\/control says that the machine was restless: 0\.900\.\.1\.010/);
    assert.match(text, /90%/);
    assert.equal(markdown([measured()]).at(-1), '| `row` | a row | us | 20.0 | 12.0 | 0.600 (0.580..0.620) |  | 90% |');
  });
});

describe('bench: rows and options', () => {
  it('each row has a name of its own', () => { assert.equal(doubled(), ''); });

  it('there is a control, and a baseline without agent', () => {
    assert.ok(ROWS.some(({ baseline, contender, quick }) => quick && baseline === contender));
    assert.ok(ROWS.some(({ baseline }) => baseline === 'absent'));
  });

  it('refuses what it does not know', () => {
    for (const argv of [['--blocks', '1'], ['--ms', 'x'], ['--only', '('], ['--nothing'], ['more']])
      assert.throws(() => readOptions(argv), UsageError, argv.join(' '));
    assert.equal(readOptions(['-h']), undefined);
    assert.equal(readOptions(['--only', '^trip'])?.only?.test('trip-64'), true);
  });
});

describe('bench: the picture', () => {
  const x = (svg: string, tag: string): number[] => [...svg.matchAll(new RegExp(`<${tag} class="(?:good|bad|free)" c?x1?="([0-9.]+)"`, 'g'))].map(([, value]) => Number(value));
  const even = (svg: string): number => Number(/class="even" x1="([0-9.]+)"/.exec(svg)?.[1]);

  it('has what is better on the right of even, whichever way better is, and what is worse on the left', () => {
    const svg = chart([measured(), measured({ better: 'more', ratio: 1.5, low: 1.4, high: 1.6 }), measured({ better: 'more', ratio: 0.9 }), measured({ ratio: 1.2 })], 'title');
    assert.deepEqual(x(svg, 'circle').map((at) => Math.sign(at - even(svg))), [1, 1, -1, -1]);
    assert.ok(svg.includes('>1.67 <') && svg.includes('1.61..1.72'));
  });

  it('tells what reaches its target from what does not, and escapes what it is given', () => {
    const svg = chart([measured({ target: 0.65 }), measured({ target: 0.5, what: 'a < b & "c"' }), measured({ ratio: 99, better: 'more' })], '<t>');
    assert.deepEqual([...svg.matchAll(/<circle class="(\w+)"/g)].map(([, kind]) => kind), ['good', 'bad', 'free']);
    assert.ok(svg.includes('a &#60; b &#38; &#34;c&#34;') && svg.includes('aria-label="&#60;t&#62;"'));
    assert.equal(svg.match(/class="aim"/g)?.length, 2);
    assert.ok(Math.max(...x(svg, 'circle')) <= 520 + 420, 'what is out of range stays in the picture');
  });
});
