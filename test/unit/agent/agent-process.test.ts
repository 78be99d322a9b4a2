import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, it } from 'mocha';
import { AdminClient } from '../../../agent/admin/client.js';
import type { Status } from '../../../agent/admin/objects.js';
import { ApiServer } from '../../helpers/api-server.js';
import { folder } from '../../helpers/folder.js';
import { eventually } from '../../helpers/kernel.js';
import { sidestep, start, type Running } from '../../helpers/run.js';
import { endpointOf, podOf, PODS, serviceOf, SERVICES, sliceOf, SLICES } from '../kubernetes/objects.js';

describe('agent as a process', () => {
  let running: Running | undefined;
  afterEach(() => { running?.child.kill('SIGKILL'); });

  const launch = async (...settings: string[]): Promise<{ client: AdminClient; runDir: string; agent: Running }> => {
    const runDir = folder();
    const agent = (running = start('test/helpers/fake-agent.js', [runDir, ...settings]));
    await agent.said('"ready"');
    return { client: new AdminClient(join(runDir, 'agent.sock')), runDir, agent };
  };

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    it(`${signal} without traffic: everything is retired and gone within a second (ops-tsfn-keeps-process)`, async () => {
      const { agent, runDir } = await launch();
      const began = performance.now();
      agent.child.kill(signal);
      const { code, stdout, stderr } = await agent.outcome;
      assert.ok(performance.now() - began < 1000);
      assert.equal(code, 0);
      assert.equal(stdout, '["retire all 5000","uninstall","close"]\n');
      assert.match(stderr, /"msg":"retired 1 pair"/);
      assert.equal(existsSync(join(runDir, 'agent.sock')), false);
    });
  }

  it('with the web view open in a browser it stops as fast (ops-tsfn-keeps-process)', async () => {
    const { agent, client } = await launch('web.enabled=true', 'web.port=0');
    const { web } = await client.status();
    assert.deepEqual([web.state, web.exposed], ['serving', false]);
    // Kept alive, as a browser does between two views.
    assert.equal(((await (await fetch(`${web.detail}v1/view`)).json()) as { pairs: { rows: object[] } }).pairs.rows.length, 1);
    const began = performance.now();
    agent.child.kill('SIGTERM');
    assert.equal((await agent.outcome).code, 0);
    assert.ok(performance.now() - began < 1000);
  });

  it('keeps the datapath when told', async () => {
    const { agent } = await launch('lifecycle.onExit=keep');
    agent.child.kill('SIGTERM');
    assert.equal((await agent.outcome).stdout, '["close"]\n');
  });

  it('serves on when the port of the metrics is taken, and says so (h-host-port-clash)', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const { agent, client } = await launch(`metrics.port=${port}`);
    const status = await client.status();
    assert.deepEqual([status.ready, status.metrics.state], [true, 'failed']);
    assert.match(status.problems[0]!, /^no metrics: the port of the metrics is taken/);
    agent.child.kill('SIGTERM');
    assert.equal((await agent.outcome).code, 0);
    other.close();
  });

  it('reads Kubernetes when told, says what it has, and serves on when the API server goes', async () => {
    const server = new ApiServer();
    server.put(PODS, podOf('web-1', { annotations: { 'sidestep.io/accelerate': 'off' } }));
    server.put(SERVICES, serviceOf('web'));
    server.put(SLICES, sliceOf('web-x', 'web', [endpointOf('10.244.1.1')]));
    const url = await server.start();
    const { agent, client, runDir } = await launch('kubernetes.enabled=true', 'kubernetes.node=node-a', `kubernetes.apiServer=${url}`, 'kubernetes.tokenFile=', 'kubernetes.caFile=');
    await eventually(async () => ((await client.services()).services[0]?.up === 1 ? '' : 'no service'));
    const { kubernetes, problems } = await client.status();
    assert.deepEqual([kubernetes!.node, kubernetes!.pods, kubernetes!.services, kubernetes!.optOuts], ['node-a', 1, 1, 1]);
    assert.match(problems.join('\n'), /annotation sidestep\.io\/accelerate of pod shop\/web-1: given "off", expected one of enabled, disabled, observe/);
    await server.stop();
    const status = async (): Promise<string> => (await sidestep(['status', '--run-dir', runDir])).stdout;
    await eventually(async () => (/^kubernetes +node-a, away for \d+m?s, what is known is kept; 1 pod \(1 left alone\), 1 service balanced$/m.test(await status()) ? '' : await status()));
    assert.equal((await client.endpoints()).endpoints[0]!.state, 'up');
    const began = performance.now();
    agent.child.kill('SIGTERM');
    assert.equal((await agent.outcome).code, 0);
    assert.ok(performance.now() - began < 1500);
  });

  it('leaves another agent alone', async () => {
    const { runDir, client } = await launch();
    const second = await start('test/helpers/fake-agent.js', [runDir]).outcome;
    assert.notEqual(second.code, 0);
    assert.match(second.stderr, /another agent serves this host \(pid \d+ at /);
    assert.equal((await client.status()).ready, true);
  });

  it('can be probed', async () => {
    const { client } = await launch();
    const base = (await client.status()).metrics.detail.replace(/\/metrics$/, '');
    for (const path of ['metrics', 'healthz', 'readyz']) assert.equal((await fetch(`${base}/${path}`)).status, 200);
  });

  const until = async (client: AdminClient, holds: (status: Status) => boolean): Promise<Status> => {
    for (;;) {
      const status = await client.status();
      if (holds(status)) return status;
      await sleep(20);
    }
  };

  it('follows its file: applies what it can, names what needs a restart, survives a bad one', async () => {
    const file = join(folder(), 'config.yaml');
    writeFileSync(file, 'datapath: {enabled: true}\n');
    const { client } = await launch(`--config=${file}`);
    writeFileSync(file, 'datapath: {enabled: false, queueBytes: 8KiB, maxPairs: 9}\n');
    const changed = await until(client, ({ datapath }) => !datapath.enabled);
    assert.equal(changed.datapath.queueBytes, 8192);
    assert.deepEqual(changed.reload.restartNeeded, ['datapath.maxPairs']);
    writeFileSync(file, 'datapath: {enabled: perhaps}\n');
    const bad = await until(client, ({ reload }) => !reload.successful);
    assert.match(bad.reload.error, /perhaps/);
    await assert.rejects(client.reload(), { code: 'config_invalid' });
    writeFileSync(file, 'datapath: {enabled: true}\n');
    await until(client, ({ reload, datapath }) => reload.successful && datapath.enabled);
  });

  it('SIGHUP puts the configuration in force again after all pairs were retired', async () => {
    const { agent, client } = await launch();
    for await (const line of client.retire({ timeoutMs: 1 })) assert.ok(line);
    assert.equal((await client.status()).datapath.enabled, false);
    agent.child.kill('SIGHUP');
    await until(client, ({ datapath }) => datapath.enabled);
  });
});
