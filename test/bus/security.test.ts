// SPDX-License-Identifier: Apache-2.0
/** Who may connect how, and who may say what: decided by us before, and by the server after. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, nkeyAuthenticator, nkeys } from 'nats';
import { describe, it } from 'mocha';
import { chooseBus } from '../../agent/bus/bus.js';
import { encodeRecord } from '../../agent/bus/codec.js';
import { BUCKET } from '../../agent/bus/keys.js';
import { userOf } from '../../agent/bus/permissions.js';
import { refuseOwnAddresses, tlsOf } from '../../agent/bus/security.js';
import { loadConfig } from '../../config/load.js';
import { folder } from '../helpers/folder.js';
import { eventually } from '../helpers/kernel.js';
import { freePort } from '../helpers/free-port.js';
import { TestServer } from '../helpers/nats-server.js';
import { recordFrom, TestBus, withBus } from '../helpers/registry.js';

const bus = (flags: Record<string, string>): ReturnType<typeof loadConfig>['bus'] => loadConfig({ env: {}, file: '/dev/null', flags }).bus;
const code = (body: () => unknown): string => {
  try {
    body();
  } catch (error) {
    return (error as { code: string }).code;
  }
  return '';
};

interface Keys { getSeed(): Uint8Array; getPublicKey(): string }
const newKeys = (): Keys => (nkeys as { createUser(): Keys }).createUser();

function certificates(): { ca: string; cert: string; key: string } {
  const dir = folder();
  const at = (name: string): string => join(dir, name);
  const openssl = (...args: string[]): void => { execFileSync('openssl', args, { stdio: 'ignore', cwd: dir }); };
  openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', '/CN=test ca', '-keyout', 'ca.key', '-out', 'ca.pem');
  openssl('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', '/CN=nats', '-keyout', 'server.key', '-out', 'server.csr');
  writeFileSync(at('ext'), 'subjectAltName=IP:127.0.0.1\n');
  openssl('x509', '-req', '-in', 'server.csr', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', 'ext', '-out', 'server.pem');
  return { ca: at('ca.pem'), cert: at('server.pem'), key: at('server.key') };
}

describe('bus: security', function () {
  this.timeout(60_000);

  it('refuses plaintext off loopback, unless it is allowed in so many words', () => {
    const servers = { 'bus.servers': 'nats://10.0.0.1:4222' };
    assert.equal(code(() => tlsOf(bus(servers))), 'bus_plaintext');
    assert.equal(tlsOf(bus({ ...servers, 'bus.plaintext': 'true' })), undefined);
    assert.deepEqual(tlsOf(bus({ 'bus.servers': 'tls://10.0.0.1:4222' })), {});
    assert.equal(code(() => tlsOf(bus({ 'bus.servers': 'nats.example:4222' }))), 'bus_plaintext');
    for (const local of ['nats://127.0.0.1:4222', 'localhost:4222', 'nats://[::1]:4222']) assert.equal(tlsOf(bus({ 'bus.servers': local })), undefined);
    assert.equal(code(() => tlsOf(bus({ 'bus.servers': 'tls://10.0.0.1', 'bus.certificate': '/etc/hostname' }))), 'bus_refused');
  });

  it('lb-map-emptied-own-dependency-cut: refuses servers behind addresses that it serves itself', () => {
    const config = loadConfig({ env: { SIDESTEP_SERVICES: '[{"name":"nats","addresses":["10.96.0.9"],"port":4222}]' }, file: '/dev/null', flags: { 'bus.servers': 'tls://10.96.0.9:4222' } });
    assert.equal(code(() => { refuseOwnAddresses(config); }), 'bus_refused');
  });

  it('takes the bus that there is', () => {
    assert.deepEqual(chooseBus(bus({ 'bus.servers': 'localhost' }), () => undefined).choice, 'external');
    assert.deepEqual(chooseBus(bus({}), () => '/usr/sbin/nats-server').choice, 'embedded');
    assert.deepEqual(chooseBus(bus({}), () => undefined), { choice: 'off', why: 'no bus.servers, and nats-server is not installed' });
    assert.equal(code(() => chooseBus(bus({ 'bus.mode': 'external' }))), 'bus_refused');
  });

  it('speaks TLS to a server whose certificate its authority signed, and to no other', async () => {
    const { ca, cert, key } = certificates();
    await withBus(async (mesh) => {
      const good = mesh.host('good', {}, { tls: { ca: readFileSync(ca, 'utf8') } });
      const bad = mesh.host('bad', {}, { tls: {} });
      good.publish(1);
      await good.is('synced');
      await eventually(() => (bad.registry.state.detail.includes('certificate') ? '' : bad.registry.state.detail));
      assert.equal(bad.registry.wasSynced, false);
    }, `tls { cert_file: "${cert}", key_file: "${key}" }`);
  });

  it('a host that is confined to its keys can say nothing for another, and needs nothing else', async () => {
    const [admin, a, b] = [newKeys(), newKeys(), newKeys()];
    const users = [`    { nkey: ${admin.getPublicKey()} }`, userOf('test', 'a', `nkey: ${a.getPublicKey()}`), userOf('test', 'b', `nkey: ${b.getPublicKey()}`)];
    const server = new TestServer('127.0.0.1', await freePort(), undefined, `accounts { S: { jetstream: enabled, users: [\n${users.join('\n')}\n] } }`);
    const mesh = new TestBus(server);
    const dir = folder();
    const file = (name: string, keys: Keys): string => { writeFileSync(join(dir, name), keys.getSeed()); return join(dir, name); };
    const login = (keys: Keys): ReturnType<typeof connect> => connect({ servers: server.url, authenticator: nkeyAuthenticator(keys.getSeed()), inboxPrefix: '_INBOX_test_a' });
    try {
      await server.start();
      const root = await connect({ servers: server.url, authenticator: nkeyAuthenticator(admin.getSeed()) });
      await root.jetstream().views.kv(BUCKET, { history: 1 });
      const first = mesh.host('a', {}, { nkey: file('a', a) });
      const second = mesh.host('b', {}, { nkey: file('b', b) });
      first.publish(1);
      await second.knows(1);
      const thief = await login(a);
      const refused: string[] = [];
      void (async () => { for await (const { data } of thief.status()) refused.push(JSON.stringify(data)); })();
      thief.publish(`$KV.${BUCKET}.test.b.web.10-0-0-9_80`, encodeRecord(recordFrom('b', 9), { epoch: 1, sequence: 1 }));
      thief.publish(`$JS.API.STREAM.PURGE.KV_${BUCKET}`);
      thief.publish(`$JS.API.STREAM.DELETE.KV_${BUCKET}`);
      await thief.flush();
      await sleep(200);
      assert.equal(second.store.size, 1);
      assert.equal(first.store.size, 0);
      await second.is('synced');
      await Promise.all([thief.close(), root.close()]);
      // Credentials that are exchanged while the agent runs are read again.
      assert.ok(refused.length > 0);
    } finally {
      await mesh.clean();
    }
  });

  it('nats-hosts-file-ignored: finds a server whose name only the system knows', () => withBus(async (mesh) => {
    const host = mesh.host('a', {}, { servers: [`localhost:${mesh.server.port}`] });
    await host.is('synced');
  }));
});
