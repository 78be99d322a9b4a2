import assert from 'node:assert/strict';
import { compare, confirmed } from '../../conformance/compare.js';
import { goOutcomes, junitOutcomes } from '../../conformance/suites.js';

describe('conformance', () => {
  it('reads what Go says of tests and subtests', () => {
    const outcomes = goOutcomes('=== RUN   TestDial\n    --- PASS: TestDial/tcp (0.01s)\n--- FAIL: TestDial (0.02s)\n--- SKIP: TestOther (0.00s)\n');
    assert.deepEqual([...outcomes], [['TestDial/tcp', 'pass'], ['TestDial', 'fail'], ['TestOther', 'skip']]);
  });
  it('reads what CPython says', () => {
    const xml = '<testsuite><testcase name="a.b" status="run" /><testcase name="a.c"><failure>x</failure></testcase><testcase name="a.d"><skipped>y</skipped></testcase></testsuite>';
    assert.deepEqual([...junitOutcomes(xml)], [['a.b', 'pass'], ['a.c', 'failure'], ['a.d', 'skipped']]);
  });
  it('a test that only one of them ran is a difference', () => {
    const differences = compare(new Map([['a', 'pass'], ['b', 'pass']]), new Map([['a', 'pass']]));
    assert.deepEqual(differences, [{ test: 'b', plain: 'pass', accelerated: '' }]);
  });
  it('a difference that does not come again is chance', () => {
    const once = [{ test: 'a', plain: 'pass', accelerated: 'fail' }];
    assert.deepEqual(confirmed(once, []), []);
    assert.deepEqual(confirmed(once, once), once);
  });
});
