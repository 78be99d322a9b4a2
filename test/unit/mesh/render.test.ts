import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { readEndpoint } from '../../../agent/cli/commands/services.js';
import { busLine, renderEndpoints, renderServices } from '../../../agent/cli/render/services.js';
import { noLoad } from '../../../agent/mesh/fake.js';
import type { EndpointView } from '../../../agent/mesh/view.js';
import { fakeRegistry, fakeService } from '../agent/fake-mesh.js';

const endpoint: EndpointView = {
  service: 'web', address: '10.0.0.7', port: 8080, host: 'b', zone: '', version: 'v1', weight: 100, state: 'up', origin: 'bus', workload: 'nginx', held: false,
  load: noLoad({ active: 3, total: 12, failures: 1, ejectedMs: 2500 }),
};

describe('services and endpoints on a terminal', () => {
  it('show each virtual address, and what a person should know', () => {
    const lines = renderServices([fakeService({ addresses: ['10.96.0.1', 'fd00::1'], split: { v1: 90, v2: 10 } })], 200);
    assert.match(lines[1]!, /^web +10\.96\.0\.1:80\/tcp +random +2\/3 +7 +11 +1 draining; split v1 90, v2 10$/);
    assert.match(lines[2]!, /^ +\[fd00::1\]:80\/tcp$/);
    assert.match(renderServices([fakeService({ up: 0, endpoints: 0, draining: 0 })], 200)[1]!, /connections are refused$/);
    assert.match(renderServices([fakeService({ desperate: true })], 200)[1]!, /all are said to be down, and all are tried/);
    assert.match(renderServices([], 80)[0]!, /no service is configured/);
  });

  it('show the load of each endpoint, and why it is left alone', () => {
    assert.match(renderEndpoints([endpoint], 200)[1]!, /^web +10\.0\.0\.7:8080 +up +100 +b +- +v1 +3 +12 +1 +bus +ejected for 3s$/);
    assert.match(renderEndpoints([{ ...endpoint, held: true, load: noLoad() }], 200)[1]!, /vanished from the bus, kept$/);
  });

  it('say how the bus is', () => {
    const bus = { why: '', restarts: 0, endpoints: 3, refused: 0 };
    assert.equal(busLine({ ...bus, choice: 'external', registry: fakeRegistry() }), 'external, synced, 2 other hosts, 3 endpoints, 1 of this host');
    assert.equal(busLine({ ...bus, choice: 'off', why: 'bus.mode is off', registry: undefined }), 'off (bus.mode is off)');
  });

  it('read endpoints as people write them', () => {
    assert.deepEqual(readEndpoint('10.0.0.7:8080'), { address: '10.0.0.7', port: 8080 });
    assert.deepEqual(readEndpoint('[fd00::7]:80'), { address: 'fd00::7', port: 80 });
    for (const text of ['10.0.0.7', 'fd00::7:80', ':80', '10.0.0.7:port']) assert.throws(() => readEndpoint(text), /is no endpoint/);
  });
});
