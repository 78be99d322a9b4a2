import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { FakeDatapath } from '../../../agent/datapath/fake.js';
import { MetricsEndpoint } from '../../../agent/metrics/endpoint.js';
import { keptLog, type Line } from '../../helpers/log.js';

describe('metrics over HTTP', () => {
  let endpoint: MetricsEndpoint;
  let notReady: string;
  let lines: Line[];

  const open = async (port = 0, enabled = true): Promise<string> => {
    const kept = keptLog();
    lines = kept.lines;
    notReady = '';
    endpoint = new MetricsEndpoint({ enabled, host: '127.0.0.1', port, queueWait: false, istioNames: false });
    const source = { datapath: new FakeDatapath(), version: '1', log: kept.log, reloadState: () => ({ successful: true, at: 0 }) };
    await endpoint.start(source, () => notReady);
    return endpoint.state.detail.replace(/\/metrics$/, '');
  };
  afterEach(() => endpoint.stop());

  describe('with a port', () => {
    let base: string;
    beforeEach(async () => { base = await open(); });

    it('serves metrics', async () => {
      const response = await fetch(`${base}/metrics`);
      assert.equal(response.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
      assert.match(await response.text(), /^sidestep_enabled 1$/m);
    });

    it('is alive, and ready only when ready', async () => {
      assert.equal((await fetch(`${base}/readyz`)).status, 200);
      notReady = 'starting';
      const response = await fetch(`${base}/readyz`);
      assert.deepEqual([response.status, await response.text()], [503, 'not ready: starting\n']);
      assert.equal((await fetch(`${base}/healthz`)).status, 200);
    });

    it('has nothing else', async () => {
      assert.equal((await fetch(`${base}/`)).status, 404);
      assert.equal((await fetch(`${base}/metrics`, { method: 'POST' })).status, 405);
    });
  });

  it('a taken port costs the metrics, not the agent (h-host-port-clash)', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    await open(port);
    assert.deepEqual(endpoint.state, { state: 'failed', detail: `the port of the metrics is taken (127.0.0.1:${port})` });
    assert.deepEqual(lines.map(({ level }) => level), ['error']);
    other.close();
  });

  it('can be switched off', async () => {
    await open(0, false);
    assert.equal(endpoint.state.state, 'disabled');
  });
});
