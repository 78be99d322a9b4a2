// SPDX-License-Identifier: Apache-2.0
/** Two hosts, one agent each, a real broker: a connection to a virtual address reaches an endpoint of the other host. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import '../helpers/kernel-lock.js';
import { eventually } from '../helpers/kernel.js';
import { withHosts, type MeshHost } from '../helpers/mesh-hosts.js';
import type { Program } from '../helpers/program.js';

const web = { name: 'web', addresses: ['10.96.0.1'], port: 80, local: { port: 8080 } };

async function serve(host: MeshHost): Promise<Program> {
  const server = host.ground.program('serve.py', { host: '0.0.0.0', port: 8080 });
  await server.next();
  return server;
}

/** Bytes there and back over the virtual address; the connection stays until the program ends. */
async function ask(host: MeshHost, rounds = 5): Promise<Program> {
  const client = host.ground.program('ask.py', { host: '10.96.0.1', port: 80, rounds });
  assert.ok((await client.next())['bytes'] as number > 0);
  return client;
}

async function leave(client: Program): Promise<void> {
  client.say();
  await client.end();
}

describe('mesh: two hosts', function () {
  this.timeout(90_000);

  it('reach a service of the other host by its virtual address', () => withHosts(async (a, b) => {
    await Promise.all([a.start([web]), b.start([web])]);
    const server = await serve(b);
    await a.knows('10.77.2.2');
    const client = await ask(a);
    assert.equal(a.services()[0]!.connections, 1);
    await leave(client);
    assert.equal(a.services()[0]!.connections, 0);
    await server.kill();
    // The owner says that it has gone.
    await a.knows();
  }));

  it('accelerate a connection to a virtual address whose endpoint is on this host, like any other', () => withHosts(async (a) => {
    await a.start([{ ...web, locality: { prefer: 'host' } }]);
    await serve(a);
    await a.knows('10.77.1.2');
    const client = await ask(a, 50);
    const { connections, bytes } = a.ground.counters();
    assert.equal(connections.redirected, 1);
    assert.ok(bytes.redirected > 100_000, `${bytes.redirected} bytes went around TCP`);
    const [pair] = a.ground.pairs();
    assert.deepEqual([pair!.state, pair!.server.address, pair!.server.port], ['active', '10.77.1.2', 8080]);
    await leave(client);
  }, { 'datapath.trustListeners': 'true' }));

  it('go on while the broker is away, and while the agent is', () => withHosts(async (a, b, server) => {
    await Promise.all([a.start([web]), b.start([web])]);
    await serve(b);
    await a.knows('10.77.2.2');
    await server.stop();
    await eventually(() => (a.bus().registry?.state === 'degraded' ? '' : 'it has not noticed'), 30_000);
    const open = await ask(a);
    await a.agent!.kill();
    await leave(await ask(a));
    await leave(open);
    await a.start([web]);
    await leave(await ask(a));
    assert.match(a.agent!.stderr, /took over the services of an earlier agent/);
    await server.start();
    await eventually(() => (a.bus().registry?.state === 'synced' ? '' : JSON.stringify(a.bus())), 20_000);
    await a.knows('10.77.2.2');
  }));

  it('follow the configuration and the command line while they run', () => withHosts(async (a, b) => {
    const endpoints = [{ address: '10.77.2.2', port: 8080, version: 'v1' }, { address: '10.77.2.2', port: 8081, version: 'v2' }];
    await a.start([{ ...web, endpoints }]);
    const second = b.ground.program('serve.py', { host: '0.0.0.0', port: 8081 });
    await Promise.all([serve(b), second.next()]);
    const cli = (...args: string[]): string => {
      const { code, stdout, stderr } = a.ground.cli(...args);
      assert.equal(code, 0, stderr);
      return stdout;
    };
    assert.match(cli('services'), /web +10\.96\.0\.1:80\/tcp +random +2\/2/);
    cli('service', 'split', 'web', 'v1=100', 'v2=0');
    for (let turn = 0; turn < 4; turn++) await leave(await ask(a, 1));
    assert.deepEqual(a.endpoints().map(({ load }) => load.total), [4, 0]);
    cli('service', 'split', 'web');
    assert.match(cli('service', 'drain', 'web', '10.77.2.2:8080'), /takes no new connections; 0 from this host are still open/);
    await leave(await ask(a, 1));
    assert.match(cli('endpoints', 'web'), /10\.77\.2\.2:8080 +draining/);
    assert.deepEqual(a.endpoints().map(({ load }) => load.total), [4, 1]);
    cli('service', 'drain', 'web', '10.77.2.2:8080', '--undo');
    cli('service', 'weight', 'web', '10.77.2.2:8081', '0');
    assert.equal(a.ground.cli('service', 'weight', 'web', '10.9.9.9:1', '5').code, 1);
    assert.equal(a.ground.cli('service', 'drain', 'web', 'nonsense').code, 2);

    const file = a.configure([{ ...web, policy: 'round-robin', endpoints: endpoints.slice(0, 1) }]);
    await eventually(() => (a.services()[0]!.policy === 'round-robin' && a.endpoints().length === 1 ? '' : 'the file is not followed'));
    writeFileSync(join(a.ground.runDir, 'config.yaml'), '{ services: [{ name: web }] }');
    await eventually(() => (a.agent!.stderr.includes('the new configuration was not applied') ? '' : 'nobody complained'));
    assert.equal(a.endpoints().length, 1, 'a configuration with mistakes changes nothing');
    assert.match(a.agent!.stderr, /services\[0\].*addresses is missing/);
    a.configure([]);
    await eventually(() => (a.services().length === 0 ? '' : 'the service is still there'));
    assert.equal(file, join(a.ground.runDir, 'config.yaml'));
  }));

  it('check the health of what they own, and tell the others', () => withHosts(async (a, b) => {
    const health = { type: 'http', path: '/', interval: '200ms', timeout: '500ms', rise: 1, fall: 2 };
    await Promise.all([a.start([web]), b.start([{ ...web, health }])]);
    // It answers connections, and no HTTP request with a good status.
    await serve(b);
    await eventually(() => {
      const [one] = a.endpoints();
      return one?.state === 'down' || a.services()[0]!.desperate ? '' : JSON.stringify(a.endpoints());
    }, 30_000);
    // The only one there is is tried all the same: better than to refuse.
    await leave(await ask(a, 1));
  }));
});
