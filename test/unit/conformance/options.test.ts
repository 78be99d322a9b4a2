import assert from 'node:assert/strict';
import { readOptions, UsageError } from '../../conformance/options.js';

const SUITES = ['redis', 'nginx', 'go net', 'go net/http'];
const read = (...argv: string[]): ReturnType<typeof readOptions> => readOptions(argv, SUITES);
const refused = (pattern: RegExp, ...argv: string[]): void => {
  assert.throws(() => read(...argv), (error) => error instanceof UsageError && pattern.test(error.message));
};

describe('npm run conformance', () => {
  it('runs everything by default, and less when asked', () => {
    assert.deepEqual(read(), { short: false, only: [], list: false, out: undefined });
    assert.deepEqual(read('--short', '--only', 'redis, go', '--out', 'x.json'), { short: true, only: ['redis', 'go'], list: false, out: 'x.json' });
    assert.equal(read('--help'), undefined);
  });
  it('refuses a suite that there is not, and names those that there are', () => {
    refused(/no suite has "mysql" in its name; there are: redis, nginx, go net, go net\/http/, '--only', 'redis,mysql');
  });
  it('refuses a flag that there is not', () => refused(/--fast/, '--fast'));
});
