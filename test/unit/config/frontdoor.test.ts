import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'mocha';
import { diffConfig } from '../../../config/diff.js';
import { loadConfig, type Config } from '../../../config/load.js';
import { folder } from '../../helpers/folder.js';
import { problemsOf } from './helpers.js';

function load(text: string): Config {
  const file = join(folder(), 'config.yaml');
  writeFileSync(file, text);
  return loadConfig({ file, env: {}, flags: {} });
}

const problems = (text: string): string[] => problemsOf(load, text);

describe('front doors in the configuration', () => {
  it('need a name, a port and a way on, and have defaults for the rest', () => {
    assert.deepEqual(load('').frontdoors, []);
    const [door] = load('frontdoors: [{ name: web, port: 80, service: web }]').frontdoors;
    assert.deepEqual(door, {
      name: 'web', address: '0.0.0.0', port: 80, service: 'web', backends: [], path: 'copy', maxConnections: 10_000, allow: [], deny: [], acceptProxy: false, sendProxy: 'off',
      connectTimeout: 5000, idleTimeout: 600_000, drainTimeout: 30_000,
      requests: 'off', lengthAt: 0, lengthBytes: 4, lengthOrder: 'big', lengthCounts: 'rest',
    });
  });

  it('are read with everything that they can have', () => {
    const [door] = load(`frontdoors:
  - name: db
    address: 2001:DB8:0::1
    port: 5432
    backends: [{ address: 192.0.2.21, port: 5432, weight: 7 }, { address: '::1', port: 1 }]
    maxConnections: 5
    allow: [10.0.0.0/8, fd00::/8]
    deny: [10.0.0.7]
    acceptProxy: true
    sendProxy: v2
    connectTimeout: 1s
    idleTimeout: 0
    drainTimeout: 1h
`).frontdoors;
    assert.equal(door!.address, '2001:db8::1');
    assert.deepEqual(door!.backends, [{ address: '192.0.2.21', port: 5432, weight: 7 }, { address: '::1', port: 1, weight: 100 }]);
    assert.deepEqual(door!.allow.map(({ prefix }) => prefix), [104, 8]);
    assert.deepEqual(door!.deny[0], { address: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 0, 0, 7], prefix: 128 });
    assert.equal(load('frontdoors: [{ name: web, port: 80, service: "shop/web:http" }]').frontdoors[0]!.service, 'shop/web:http');
    assert.deepEqual([door!.sendProxy, door!.connectTimeout, door!.idleTimeout, door!.drainTimeout], ['v2', 1000, 0, 3_600_000]);
  });

  it('say what is wrong, and where', () => {
    // One mistake is one problem: what is no map has no keys that could be missing.
    assert.deepEqual(problems('frontdoors: [{ name: web, port: 80, backends: ["127.0.0.1:9000"] }]'),
      ['1:48 frontdoors[0].backends[0] given "127.0.0.1:9000", expected a map of settings with address and port.']);
    assert.deepEqual(problems('frontdoors:\n  - name: web\n    port: 80\n'), ['2:5 frontdoors[0] web leads nowhere.']);
    const one = (rest: string): string => problems(`frontdoors: [{ name: web, port: 80, service: web, ${rest} }]`)[0]!;
    assert.match(one('backends: [{ address: 10.0.0.1, port: 1 }]'), /frontdoors\[0\]\.backends web has a service already/);
    assert.match(one('allow: [10.0.0/8]'), /allow\[0\] given "10\.0\.0\/8", expected an address or a network/);
    assert.match(one('sendProxy: v3'), /sendProxy given "v3", expected one of off, v1, v2/);
    assert.match(one('maxConnections: 0'), /maxConnections given 0, expected a whole number from 1/);
    assert.match(one('idleTimeout: 5'), /idleTimeout given 5, expected a duration/);
    assert.match(problems('frontdoors: [{ name: web, port: 80, service: shop/web }]')[0]!, /service given "shop\/web", expected the name of a service/);
    assert.match(one('path: direct, sendProxy: v1, requests: http1'), /frontdoors\[0\]\.path web has sendProxy and requests, for which bytes must pass through the door\./);
    assert.match(one('path: splice'), /frontdoors\[0\]\.path given "splice", expected one of copy, direct/);
    assert.match(one('proxy: v1'), /frontdoors\[0\]\.proxy there is no such key/);
    const two = (first: string, second: string): string[] => problems(`frontdoors: [{ service: s, ${first} }, { service: s, ${second} }]`);
    assert.match(two('name: a, port: 1', 'name: a, port: 2')[0]!, /frontdoors\[1\]\.name a is there twice/);
    assert.match(two('name: a, port: 1', 'name: b, port: 1')[0]!, /frontdoors\[1\]\.port 0\.0\.0\.0:1 belongs to a already/);
    assert.deepEqual(two('name: a, port: 1', 'name: b, port: 1, address: 10.0.0.1'), []);
    assert.match(problems('frontdoors: [{ name: a, address: 10.0.0.1, port: 1, backends: [{ address: 10.0.0.1, port: 1 }] }]')[0]!, /a would connect to itself/);
  });

  it('are followed while the agent runs; the number of threads is not', () => {
    const [before, after] = [load(''), load('frontdoor: { threads: 4 }\nfrontdoors: [{ name: web, port: 80, service: web }]')];
    assert.deepEqual(diffConfig(before, after), { hot: ['frontdoors'], restart: ['frontdoor.threads'] });
  });
});
