import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { fakeEndpoint, fakePair } from '../../../agent/datapath/fake.js';
import { matches, parseQuery } from '../../../agent/pairs/query.js';

const pair = fakePair();
const six = fakePair({ server: fakeEndpoint({ address: '::1', port: 443, family: 'ipv6', pid: 9 }) });

describe('explain query', () => {
  for (const [text, wanted] of [
    ['00000001deadbeef', true], ['00000001DEADBEEF', true], ['00000001deadbee0', false],
    ['100', true], ['200', true], ['8080', true], ['40000', true], ['7', false],
    ['127.0.0.1:8080', true], ['localhost:8080', true], ['127.0.0.2:8080', false],
    ['127.0.0.1:40000 127.0.0.1:8080', true], ['127.0.0.1:8080 -> 127.0.0.1:40000', true],
    ['127.0.0.1:40000,127.0.0.1:8080', true], ['127.0.0.1:8080 127.0.0.1:8080', false],
  ] as const) {
    it(`${text} ${wanted ? 'means' : 'does not mean'} the pair`, () => {
      assert.equal(matches(parseQuery(text)!, pair), wanted);
    });
  }

  it('means the pairs of a pod, in any namespace or in one', () => {
    const pod = { namespace: 'shop', name: 'web-1', workload: 'Deployment/web' };
    const ours = { ...pair, server: { ...pair.server, pod } };
    const means = (text: string): boolean => matches(parseQuery(text)!, ours);
    assert.deepEqual(['pod/web-1', 'pod/shop/web-1', 'pod/web-2', 'pod/other/web-1'].map(means), [true, true, false, false]);
    assert.equal(matches(parseQuery('pod/web-1')!, pair), false);
    for (const text of ['pod/', 'pod/a/b/c', 'pod/Web', 'pod/shop/']) assert.equal(parseQuery(text), undefined, text);
  });

  it('reads IPv6 in brackets', () => { assert.ok(matches(parseQuery('[::1]:443')!, six)); });

  for (const text of ['', 'redis', '1 2', '300.0.0.1:80', '127.0.0.1:99999', 'a b c', '12345678901'])
    it(`${JSON.stringify(text)} names nothing`, () => { assert.equal(parseQuery(text), undefined); });
});
