import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { readPorts, readWeights, readWorkloads } from '../../../config/lists.js';
import { loadConfig } from '../../../config/load.js';

describe('lists in one value', () => {
  it('ports: single, ranges, one protocol or both', () => {
    assert.deepEqual(readPorts(' 443, 8000-8010/tcp ,53/udp'), [
      { from: 443, to: 443, protocol: undefined }, { from: 8000, to: 8010, protocol: 'tcp' }, { from: 53, to: 53, protocol: 'udp' },
    ]);
    assert.deepEqual(readPorts(''), []);
    for (const bad of ['0', '65536', '9-8', '80/sctp', '80,,81', 'http', '80 81', '-1', 'all']) assert.equal(readPorts(bad), undefined, bad);
  });

  it('workloads: a command, an executable, a cgroup', () => {
    assert.deepEqual(readWorkloads('nginx, /usr/bin/node, cgroup:/web'), [
      { kind: 'comm', name: 'nginx' }, { kind: 'executable', path: '/usr/bin/node' }, { kind: 'cgroup', path: '/web' },
    ]);
    for (const bad of ['a-name-that-is-too-long', 'cgroup:web', 'two words', 'a=b', ',']) assert.equal(readWorkloads(bad), undefined, bad);
  });

  it('weights: of workloads, from 1 to 1000', () => {
    assert.deepEqual(readWeights('nginx=3, cgroup:/canary=1'), [
      { workload: { kind: 'comm', name: 'nginx' }, weight: 3 }, { workload: { kind: 'cgroup', path: '/canary' }, weight: 1 },
    ]);
    for (const bad of ['nginx', 'nginx=0', 'nginx=1001', '=3', 'nginx=1.5']) assert.equal(readWeights(bad), undefined, bad);
  });

  it('are refused by the configuration with what they may be', () => {
    const load = (flags: Record<string, string>) => () => loadConfig({ file: '/dev/null', env: {}, flags });
    assert.throws(load({ 'reuseport.ports': '80-70' }), /expected all, ports such as "443, 8000-8010, 53\/udp", or nothing/);
    assert.throws(load({ 'reuseport.excludePorts': 'all' }), /expected ports such as/);
    assert.throws(load({ 'reuseport.weights': 'nginx=0' }), /weights, 1 to 1000/);
    assert.equal(loadConfig({ file: '/dev/null', env: {}, flags: { 'reuseport.ports': 'all' } }).reuseport.ports, 'all');
  });
});
