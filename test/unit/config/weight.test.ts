import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { loadConfig } from '../../../config/load.js';
import { parseWeight } from '../../../config/weight.js';

describe('weights', () => {
  it('are a selector and a number', () => {
    assert.deepEqual(parseWeight('program:nginx port:80 = 3'), { selector: { program: 'nginx', ports: { first: 80, last: 80 } }, weight: 3 });
    assert.deepEqual(parseWeight('cgroup:/canary=1'), { selector: { cgroup: '/canary' }, weight: 1 });
  });

  it('say what is wrong with them', () => {
    for (const [text, words] of [
      ['program:nginx', /does not end with =/], ['program:nginx=0', /from 1 to 1000, not 0/], ['program:nginx=1001', /from 1 to 1000/],
      ['nginx=3', /does not begin with one of/], ['=3', /does not end with =/], ['program:nginx=1.5', /does not begin|does not end/],
    ] as const) assert.match(String(parseWeight(text)), words, text);
    const load = () => loadConfig({ file: '/dev/null', env: {}, flags: { 'reuseport.weights': 'program:nginx=0' } });
    assert.throws(load, /"program:nginx=0" is no entry of this list: a weight is from 1 to 1000, not 0/);
  });
});
