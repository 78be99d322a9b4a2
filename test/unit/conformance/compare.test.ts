import assert from 'node:assert/strict';
import { compare, judge } from '../../conformance/compare.js';
import { junitOutcomes } from '../../conformance/suites/cpython.js';
import { goOutcomes } from '../../conformance/suites/go.js';

const round = (plain: Record<string, string>, accelerated: Record<string, string>): Parameters<typeof judge>[0] => {
  const before = new Map(Object.entries(plain));
  return { plain: before, differences: compare(before, new Map(Object.entries(accelerated))) };
};
const names = (rows: readonly { check: string }[]): string[] => rows.map(({ check }) => check);

describe('conformance', () => {
  it('reads what Go says of tests and subtests', () => {
    const outcomes = goOutcomes('=== RUN   TestDial\n    --- PASS: TestDial/tcp (0.01s)\n--- FAIL: TestDial (0.02s)\n--- SKIP: TestOther (0.00s)\n');
    assert.deepEqual([...outcomes], [['TestDial/tcp', 'pass'], ['TestDial', 'fail'], ['TestOther', 'skip']]);
  });
  it('reads what CPython says', () => {
    const xml = '<testsuite><testcase name="a.b" status="run" /><testcase name="a.c"><failure>x</failure></testcase><testcase name="a.d"><skipped>y</skipped></testcase></testsuite>';
    assert.deepEqual([...junitOutcomes(xml)], [['a.b', 'pass'], ['a.c', 'failure'], ['a.d', 'skipped']]);
  });
  it('a check that only one of them ran is a difference', () => {
    const { differences } = round({ a: 'pass', b: 'pass' }, { a: 'pass' });
    assert.deepEqual(differences, [{ check: 'b', plain: 'pass', accelerated: '' }]);
  });
  it('a difference counts, also one that came only once, in either round', () => {
    const good = round({ a: 'pass' }, { a: 'pass' });
    const bad = round({ a: 'pass' }, { a: 'fail' });
    for (const [first, again] of [[bad, bad], [bad, good], [good, bad]] as const) {
      assert.deepEqual(judge(first, again), { differences: [{ check: 'a', plain: 'pass', accelerated: 'fail' }], unstable: [] });
    }
  });
  it('what plain TCP does by itself is unstable, and no difference', () => {
    const { differences, unstable } = judge(round({ a: 'fail', b: 'pass' }, { a: 'pass', b: 'pass' }), round({ a: 'pass', b: 'pass' }, { a: 'pass', b: 'fail' }));
    assert.deepEqual([names(differences), names(unstable)], [['b'], ['a']]);
  });
});
