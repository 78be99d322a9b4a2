/** A front door with a listener of each kind, made up. */
import { fakeOutcomes, fakeRequests } from '../../agent/frontdoor/fake.js';
import type { FrontDoorView } from '../../agent/frontdoor/view.js';

export const fakeDoorView: FrontDoorView = {
  process: { pid: 42, version: '9.9.9' },
  restarts: 1,
  listeners: [
    { name: 'web', address: '::', port: 80, state: 'open', because: '', service: 'web', active: 3, maxConnections: 10, requests: 'http1', path: 'copy', direct: null, backends: [
      { address: '10.0.0.7', port: 8080, weight: 100, active: 3, total: 12, failures: 2, failuresInRow: 2 }] },
    { name: 'db', address: '0.0.0.0', port: 81, state: 'open', because: '', service: '', active: 0, maxConnections: 10, requests: 'off', path: 'copy', direct: null, backends: [] },
    { name: 'gone', address: '0.0.0.0', port: 82, state: 'failed', because: 'taken', service: '', active: 0, maxConnections: 10, requests: 'off', path: 'copy', direct: null, backends: [] },
    { name: 'near', address: '0.0.0.0', port: 83, state: 'open', because: '', service: '', active: 0, maxConnections: 10, requests: 'off', path: 'direct',
      direct: { given: 40, left: { denied: 2, full: 0, gone: 1, unfit: 0 }, backends: [{ address: '127.0.0.1', port: 81, because: '' }, { address: '10.0.0.9', port: 81, because: 'nobody listens there' }] },
      backends: ['127.0.0.1', '10.0.0.9'].map((address) => ({ address, port: 81, weight: 100, active: 0, total: 0, failures: 0, failuresInRow: 0 })) },
  ],
  totals: [{ name: 'web', bytesIn: 2048, bytesOut: 1024, outcomes: fakeOutcomes({ closed: 5, denied: 2 }),
    requests: fakeRequests({ '2xx': 30, '5xx': 1 }, { waits: [0, 20, 10, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0], waited: 0.03, unreadable: 2 }) }],
};
