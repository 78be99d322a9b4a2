import assert from 'node:assert/strict';
import fc from 'fast-check';
import { parseSelector } from '../../../config/selector.js';
import { loader, scratch } from './helpers.js';

const v4 = (...bytes: number[]): number[] => [...Array<number>(10).fill(0), 255, 255, ...bytes];

describe('selectors', () => {
  const good: Record<string, object> = {
    'program:redis-server': { program: 'redis-server' },
    'exe:/usr/sbin/nginx': { exe: '/usr/sbin/nginx' },
    'cgroup:/system.slice/': { cgroup: '/system.slice' },
    'cgroup:/': { cgroup: '/' },
    'port:80': { ports: { first: 80, last: 80 } },
    'port:8000-8099': { ports: { first: 8000, last: 8099 } },
    'cidr:10.0.0.0/8': { network: { address: v4(10, 0, 0, 0), prefix: 104 } },
    'cidr:10.1.2.3': { network: { address: v4(10, 1, 2, 3), prefix: 128 } },
    'cidr:0.0.0.0/0': { network: { address: v4(0, 0, 0, 0), prefix: 96 } },
    'cidr:::1': { network: { address: [...Array<number>(15).fill(0), 1], prefix: 128 } },
    'user:app': { user: 'app' },
    ' user:0   port:1 ': { user: '0', ports: { first: 1, last: 1 } },
  };
  for (const [text, selector] of Object.entries(good)) {
    it(`${JSON.stringify(text)} is one`, () => { assert.deepEqual(parseSelector(text), selector); });
  }

  const bad: Record<string, RegExp> = {
    '': /it is empty/, redis: /does not begin with one of program, exe/, 'Port:1': /does not begin/, 'toString:1': /does not begin/,
    'program:/usr/bin/x': /without a path/, 'program:': /the name of a command/, 'exe:nginx': /absolute path/, 'exe:/a/../b': /absolute path/,
    'cgroup:x': /the path of a cgroup/, 'port:0': /from 1 to 65535/, 'port:70000': /from 1/, 'port:9-8': /from 1/, 'port:1-2-3': /from 1/, 'port:+1': /from 1/,
    'cidr:10.0.0.0/33': /an address or a network/, 'cidr:10.1': /an address/, 'cidr:0x7f.0.0.1': /an address/, 'cidr:fd00::/129': /an address/, 'cidr:host': /an address/,
    'user:a b': /does not begin/, 'user:a:b': /the name or the number of a user/, 'port:1 port:2': /two terms of the kind port/,
  };
  for (const [text, why] of Object.entries(bad)) {
    it(`${JSON.stringify(text)} is none`, () => {
      const found = parseSelector(text);
      assert.ok(typeof found === 'string', JSON.stringify(found));
      assert.match(found, why);
    });
  }

  it('any text is a selector or gets an answer', () => {
    fc.assert(fc.property(fc.string(), (text) => ['string', 'object'].includes(typeof parseSelector(text))));
  });
});

describe('lists of selectors in the configuration', () => {
  const { load, problems } = loader(scratch());

  it('come from a list, from one value, and from the environment', () => {
    assert.deepEqual(load({ yaml: 'scope:\n  exclude:\n    - port:1\n    - "user:a port:2"\n' }).scope.exclude, ['port:1', 'user:a port:2']);
    assert.deepEqual(load({ yaml: 'scope: {exclude: "port:1, port:2"}' }).scope.exclude, ['port:1', 'port:2']);
    assert.deepEqual(load({ env: { SIDESTEP_SCOPE_INCLUDE: 'port:1,port:2' } }).scope.include, ['port:1', 'port:2']);
    assert.deepEqual(load({ yaml: 'scope: {exclude: []}' }).scope.exclude, []);
  });

  it('each mistake is named with its own place', () => {
    const found = problems({ yaml: 'scope:\n  exclude:\n    - port:1\n    - prot:2\n    - [port:3]\n    - port:4\n    - 5\n' });
    assert.deepEqual(found.map(({ where, key }) => [where, key]), [['c.yaml:4:7', 'scope.exclude'], ['c.yaml:5:7', 'scope.exclude'], ['c.yaml:7:7', 'scope.exclude']]);
    assert.match(found[0]!.message, /"prot:2" is no entry of this list: "prot:2" does not begin with one of/);
    assert.match(problems({ env: { SIDESTEP_GUARD_TRUST: 'port:1,x' } })[0]!.message, /"x" is no entry/);
    assert.match(problems({ yaml: `scope: {exclude: [${Array<string>(33).fill('port:1').join(', ')}]}` })[0]!.message, /given 33 entries, expected a list of at most 32/);
    assert.match(problems({ yaml: 'scope: {exclude: {port: 1}}' })[0]!.message, /given a map/);
  });
});
