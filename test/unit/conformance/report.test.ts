import assert from 'node:assert/strict';
import type { Row } from '../../conformance/both.js';
import { details, reportOf } from '../../conformance/report.js';

const row = (over: Partial<Row>): Row => ({
  suite: 'redis', settings: [], floor: { connections: 0.6, bytes: 0 }, checks: 10, differences: [], unstable: [], known: [],
  shares: undefined, problems: [], seconds: { plain: 1, accelerated: 1 }, ...over,
});
const differs = { check: 'a', plain: 'pass', accelerated: '' };

describe('the report of a conformance run', () => {
  it('counts each check that is the same, and one for the floor', () => {
    const { passed, failed } = reportOf([row({}), row({ checks: 5 })], false, '');
    assert.deepEqual([passed, failed], [17, 0]);
  });
  it('a difference and a problem fail, and the floor is then not counted', () => {
    const { passed, failed } = reportOf([row({ differences: [differs], problems: ['under the floor'] })], false, '');
    assert.deepEqual([passed, failed], [9, 2]);
  });
  it('what plain TCP does not agree on, and what is known, is neither passed nor failed', () => {
    const { passed, failed } = reportOf([row({ unstable: [differs], known: [differs] })], false, '');
    assert.deepEqual([passed, failed], [9, 0]);
  });
  it('a suite that did not run has not passed', () => {
    const { passed, failed } = reportOf([row({ checks: 0, problems: ['not run: go is not installed'] })], false, '');
    assert.deepEqual([passed, failed], [0, 1]);
  });
  it('says what differs, and how', () => {
    assert.deepEqual(details(row({ differences: [differs] })), ['  differs: a: plain pass; accelerated not run']);
  });
});
