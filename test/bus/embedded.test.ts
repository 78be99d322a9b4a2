// SPDX-License-Identifier: Apache-2.0
/** The nats-server that an agent runs for itself. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from 'nats';
import { describe, it } from 'mocha';
import { EmbeddedServer, findServer } from '../../agent/bus/embedded.js';
import { BUCKET } from '../../agent/bus/keys.js';
import { natsConnect } from '../../agent/bus/nats.js';
import { folder } from '../helpers/folder.js';
import { alive, eventually } from '../helpers/kernel.js';
import { keptLog } from '../helpers/log.js';
import { TestHost } from '../helpers/registry.js';
import { built } from '../helpers/run.js';

async function withServer(test: (server: EmbeddedServer, dir: string) => Promise<void>): Promise<void> {
  const dir = folder();
  const server = new EmbeddedServer(findServer()!, dir, 0, keptLog().log);
  try {
    await server.start();
    await test(server, dir);
  } finally {
    await server.stop();
  }
}

const host = (name: string, server: EmbeddedServer): TestHost =>
  new TestHost(name, natsConnect({ bucket: BUCKET, about: 'test', servers: [server.url], cluster: 'test', name, host: name, tls: undefined, credentials: '', nkey: server.seedFile, forgetMs: 3_600_000 }));

describe('embedded nats-server', function () {
  this.timeout(30_000);

  it('serves its agent and nobody else', () => withServer(async (server, dir) => {
    const own = host('a', server);
    await own.is('synced');
    await assert.rejects(connect({ servers: server.url, reconnect: false, maxReconnectAttempts: 0 }), /Authorization/i);
    assert.match(server.url, /^nats:\/\/127\.0\.0\.1:/);
    for (const file of ['server.conf', 'agent.nk']) assert.equal(statSync(join(dir, file)).mode & 0o077, 0);
    await own.registry.stop(false);
  }));

  it('is started again when it dies, and its agent comes back to it', () => withServer(async (server) => {
    const own = host('a', server);
    own.publish(1);
    await own.is('synced');
    const before = server.pid!;
    process.kill(before, 'SIGKILL');
    await eventually(() => (server.restarts === 1 && server.pid !== before && own.registry.state.reconnects === 1 ? '' : 'it is not back'), 10_000);
    await own.is('synced');
    await own.registry.stop(false);
  }));

  it('ends with its agent', () => withServer(async (server) => {
    const pid = server.pid!;
    await server.stop();
    await eventually(() => (alive(pid) ? 'it is still there' : ''));
  }));

  it('ends with its agent also when that is killed', async () => {
    const dir = folder();
    const child = spawn(process.execPath, [built('test/helpers/embedded-owner.js'), dir], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [pid] = (await once(child.stdout, 'data') as [Buffer]).map(Number);
    assert.ok(alive(pid!));
    child.kill('SIGKILL');
    await eventually(() => (alive(pid!) ? 'it outlives its agent' : ''));
  });
});
