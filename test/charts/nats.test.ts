// SPDX-License-Identifier: Apache-2.0
/** The broker of the chart: what it is told, in a real nats-server; the job that makes the bucket; nodes with their own keys. */
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { connect, nkeyAuthenticator, nkeys, type NatsConnection } from 'nats';
import { BUCKET } from '../../agent/bus/keys.js';
import { BUCKETS, permissionsOf } from '../../agent/bus/permissions.js';
import { loadConfig } from '../../config/load.js';
import { TestServer } from '../helpers/nats-server.js';
import { freePort } from '../helpers/free-port.js';
import { CHART, configuration, NEWEST, rendered, template, type Manifest } from './helm.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

interface Keys { getSeed(): Uint8Array; getPublicKey(): string }
const newKeys = (): Keys => (nkeys as { createUser(): Keys }).createUser();

const dataOf = (manifests: readonly Manifest[], file: string): string => manifests.flatMap(({ data }) => data?.[file] ?? [])[0]!;

const sets = (values: Readonly<Record<string, string>>): string[] => Object.entries(values).flatMap(([name, value]) => ['--set', `${name}=${value}`]);

describe('the broker of the chart', function () {
  this.timeout(60_000);
  let dir = '';
  const admin = newKeys(), nodes = [newKeys(), newKeys()] as const;
  const values = {
    'nats.enabled': 'true', 'nats.tlsSecret': 'tls', 'nats.adminKey': admin.getPublicKey(), 'nats.adminSeedSecret': 'admin', 'bus.nkeySecret': 'nkeys',
    'nats.hosts.node-a': nodes[0].getPublicKey(), 'nats.hosts.node-b\\.example': nodes[1].getPublicKey(),
  };

  before(() => {
    dir = mkdtempSync(join(tmpdir(), 'sidestep-nats-'));
    const openssl = (command: string): void => { execFileSync('openssl', command.split(' '), { cwd: dir, stdio: 'ignore' }); };
    openssl('req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=ca -keyout ca.key -out ca.crt');
    openssl('req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=nats -keyout tls.key -out tls.csr');
    writeFileSync(join(dir, 'ext'), 'subjectAltName=IP:127.0.0.1,DNS:localhost\n');
    openssl('x509 -req -in tls.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile ext -out tls.crt');
  });
  after(() => { rmSync(dir, { recursive: true }); });

  /** The configuration with the paths of this test instead of those of the pod. */
  const configOf = (manifests: readonly Manifest[]): string =>
    dataOf(manifests, 'nats.conf').replaceAll('/tls/', `${dir}/`).replace('$POD_NAME', 'nats-0').replace(/^(listen|http|jetstream).*\n/gm, '');

  async function withBroker(test: (url: string) => Promise<void>): Promise<void> {
    const server = new TestServer('127.0.0.1', await freePort(), undefined, configOf(rendered(sets(values))));
    try {
      await server.start();
      await test(server.url.replace('nats:', 'tls:'));
    } finally {
      await server.clean();
    }
  }

  const login = (url: string, keys: Keys, host: string): Promise<NatsConnection> => connect({
    servers: url, authenticator: nkeyAuthenticator(keys.getSeed()), tls: { ca: readFileSync(join(dir, 'ca.crt'), 'utf8') }, inboxPrefix: `_INBOX_default_${host}`, reconnect: false,
  });

  async function makeBucket(url: string, seed = admin): Promise<string> {
    writeFileSync(join(dir, 'admin.nk'), `${Buffer.from(seed.getSeed()).toString()}\n`);
    const { stdout } = await promisify(execFile)(process.execPath, [join(CHART, 'files/bucket.mjs')],
      { env: { ...process.env, SIDESTEP_ROOT: ROOT, NATS_SERVER: url, ADMIN_SEED: join(dir, 'admin.nk'), CA: join(dir, 'ca.crt') } });
    return stdout;
  }

  it('is a configuration that nats-server takes, for one server and for three', () => {
    for (const replicas of ['1', '3']) {
      const file = join(dir, 'nats.conf');
      writeFileSync(file, dataOf(rendered(sets({ ...values, 'nats.replicas': replicas })), 'nats.conf').replaceAll('/tls/', `${dir}/`).replace('/data', dir));
      execFileSync('nats-server', ['-t', '-c', file], { env: { ...process.env, POD_NAME: 'nats-0' }, stdio: 'pipe' });
    }
  });

  it('its job makes the buckets, and does no harm when it runs again; a node may not', () => withBroker(async (url) => {
    for (let time = 0; time < 2; time++) assert.equal(await makeBucket(url), BUCKETS.map((bucket) => `the bucket ${bucket} is there\n`).join(''));
    await assert.rejects(makeBucket(url, nodes[0]));
  }));

  it('a node writes under its own name, made as the agent makes it, and under no other', () => withBroker(async (url) => {
    await makeBucket(url);
    const connection = await login(url, nodes[1], 'node-b-example');
    const refused: string[] = [];
    void (async () => { for await (const { data } of connection.status()) refused.push(JSON.stringify(data)); })();
    connection.publish(`$KV.${BUCKET}.default.node-b-example.web.1`, 'mine');
    connection.publish(`$KV.${BUCKET}.default.node-a.web.1`, 'not mine');
    await connection.flush();
    assert.equal((await connection.jetstream().views.kv(BUCKET, { bindOnly: true }).then((kv) => kv.status())).values, 1);
    await connection.close();
    assert.equal(refused.filter((text) => text.includes('PERMISSIONS_VIOLATION')).length, 1);
  }));

  it('nobody gets in without a key, with a key that is not known, or without TLS', () => withBroker(async (url) => {
    await assert.rejects(login(url, newKeys(), 'node-a'), /AUTHORIZATION_VIOLATION|Authorization/i);
    await assert.rejects(connect({ servers: url, tls: { ca: readFileSync(join(dir, 'ca.crt'), 'utf8') }, reconnect: false }));
    await assert.rejects(connect({ servers: url.replace('tls:', 'nats:'), authenticator: nkeyAuthenticator(nodes[0].getSeed()), reconnect: false }));
  }));

  it('permissions are those that the agent is tested with', () => {
    const { publish, subscribe } = permissionsOf('blue', 'node-b-example');
    const text = dataOf(rendered([...sets(values), '--set', 'config.bus.cluster=blue']), 'nats.conf');
    for (const subject of [...publish, ...subscribe]) assert.ok(text.includes(JSON.stringify(subject)), subject);
  });

  it('the agents go to it, encrypted and with the key of their node, unless told otherwise', () => {
    const load = (...more: string[]): ReturnType<typeof loadConfig>['bus'] => {
      const file = join(dir, 'config.yaml');
      writeFileSync(file, configuration(rendered([...sets(values), ...more])));
      return loadConfig({ file, env: {}, flags: {} }).bus;
    };
    const { servers, nkey, ca, plaintext } = load();
    assert.deepEqual([servers, nkey, ca, plaintext], [['tls://sidestep-nats.mesh.svc:4222'], '/etc/sidestep-bus/node.nk', '/etc/sidestep-bus/ca/ca.crt', false]);
    assert.deepEqual(load('--set', 'config.bus.servers={tls://other:4222}').servers, ['tls://other:4222']);
  });

  it('is refused while it would be open', () => {
    for (const [name, words] of [['nats.tlsSecret', /nats\.tlsSecret is needed/], ['nats.adminKey', /nats\.adminKey is needed/], ['bus.nkeySecret', /bus\.nkeySecret is needed/]] as const)
      assert.match(template(sets({ ...values, [name]: '' }), NEWEST).stderr, words);
    assert.match(template(sets({ ...values, 'nats.adminKey': 'SUNOTPUBLIC' })).stderr, /adminKey/);
  });
});
