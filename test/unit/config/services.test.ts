import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'mocha';
import { diffConfig } from '../../../config/diff.js';
import { loadConfig, type Config } from '../../../config/load.js';
import { folder } from '../../helpers/folder.js';
import { problemsOf } from './helpers.js';

function load(text: string, flags: Record<string, string> = {}): Config {
  const file = join(folder(), 'config.yaml');
  writeFileSync(file, text);
  return loadConfig({ file, env: {}, flags });
}

const problems = (text: string): string[] => problemsOf(load, text);

const service = 'services:\n  - name: web\n    addresses: [10.96.0.1]\n    port: 80\n';

describe('services in the configuration', () => {
  it('need a name, an address and a port, and have defaults for the rest', () => {
    const [web] = load(service).services;
    assert.deepEqual([web!.protocol, web!.policy, web!.endpoints, web!.local.port, web!.ejection.failures, web!.maxConnections], ['tcp', 'random', [], 0, 5, 0]);
  });

  it('are read with everything that they can have', () => {
    const [web] = load(`${service}    policy: maglev
    tableSize: 1021
    endpoints: [{ address: 10.0.0.1, port: 8080, weight: 7, zone: a, version: v1, host: h }]
    local: { port: 8080, program: nginx }
    health: { type: http, path: /healthz, interval: 2s }
    affinity: { by: workload, timeout: 5m }
    locality: { prefer: zone, maxSkew: 1.5 }
    ejection: { failures: 3, time: 10s }
    slowStart: 30s
    maxConnections: 100
    split: { v1: 90, v2: 10 }
    except: [/sys/fs/cgroup/dns]
`).services;
    assert.deepEqual([web!.health!.interval, web!.affinity.timeout, web!.locality.maxSkew, web!.slowStart, web!.split], [2000, 300_000, 1.5, 30_000, { v1: 90, v2: 10 }]);
  });

  it('report all mistakes at once, each with its place', () => {
    assert.deepEqual(problems(`${service}    polcy: random
    endpoints:
      - address: 10.0.0
        port: 0
      - port: 80
`), [
      '5:5 services[0].polcy there is no such key.',
      '7:18 services[0].endpoints[0].address given "10.0.0", expected an IP address.',
      '8:15 services[0].endpoints[0].port given 0, expected a whole number from 1 to 65535.',
      '9:9 services[0].endpoints[1] address is missing.',
    ].map((line) => line.replace('5:5 ', `${problems(`${service}    polcy: random\n`)[0]!.split(' ')[0]!} `)));
  });

  it('lb-hash-table-size: refuse a table that is no prime of a good size', () => {
    for (const size of [0, 1, 2, 6, 1000, 2 ** 31]) assert.equal(problems(`${service}    tableSize: ${size}\n`).length, 1, String(size));
    for (const size of [7, 1021, 65_521]) assert.deepEqual(problems(`${service}    tableSize: ${size}\n`), []);
  });

  it('refuse what does not fit together', () => {
    assert.match(problems(`${service}    protocol: udp\n    policy: least-connections\n`).join(), /needs connections/);
    assert.match(problems(`${service}  - name: web\n    addresses: [10.96.0.2]\n    port: 80\n`).join(), /web is there twice/);
    assert.match(problems(`${service}  - name: db\n    addresses: [10.96.0.1]\n    port: 80\n`).join(), /belongs to web already/);
    assert.match(problems(`${service}    endpoints: [{ address: 10.96.0.1, port: 80 }]\n`).join(), /is a virtual address/);
    assert.match(problems('services:\n  - name: web\n    addresses: []\n    port: 80\n').join(), /the list is empty/);
    assert.match(problems('services: { web: 1 }\n').join(), /expected a list/);
  });

  it('can come as JSON from the environment or a flag, and change only when they do', () => {
    const one = load(service), same = load(service), other = load(service.replace('80', '81'));
    assert.deepEqual(diffConfig(one, same), { hot: [], restart: [] });
    assert.deepEqual(diffConfig(one, other), { hot: ['services'], restart: [] });
    assert.equal(load('', { services: '[{"name":"a","addresses":["fd00::1"],"port":1}]' }).services[0]!.name, 'a');
  });

  it('lists of single values are lists or texts with commas', () => {
    assert.deepEqual(load('bus: { servers: [tls://a:4222, nats://b:4222] }').bus.servers, ['tls://a:4222', 'nats://b:4222']);
    assert.deepEqual(load('mesh: { except: "/a, /b" }').mesh.except, ['/a', '/b']);
    assert.match(problems('bus: { servers: [http://a] }').join(), /is no entry of this list/);
    assert.match(problems('bus: { servers: ["nats://user:word@a"] }').join(), /without name or password/);
  });
});
