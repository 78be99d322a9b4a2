// SPDX-License-Identifier: Apache-2.0
// Clients and servers that nobody here wrote: from another host through the door of this one, and what they bring back is the same.
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { DoorTotals } from '../../agent/frontdoor/types.js';
import { doorConfig } from '../helpers/door-config.js';
import { folder } from '../helpers/folder.js';
import { eventually } from '../helpers/kernel.js';
import { withPods } from '../helpers/pods.js';
import { AS_POSTGRES, newDatabase, pg } from '../helpers/postgres.js';
import { Program } from '../helpers/program.js';

const HOST = '10.77.1.1';
const DOOR = fileURLToPath(new URL('../helpers/door-process.js', import.meta.url));
const sum = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

interface Scene {
  /** Runs a client on the other host; its words. */
  run: (words: readonly string[], env?: NodeJS.ProcessEnv) => Promise<Buffer>;
  /** Starts a server on this one, with a door in front of each of its ports at the port less a thousand; resolves when it answers. */
  serve: (words: readonly string[], ...ports: number[]) => Promise<void>;
  /** What the doors counted. */
  totals: () => Promise<DoorTotals[]>;
}

function onScene(test: (scene: Scene) => Promise<void>): () => Promise<void> {
  return () => withPods(async ({ router, a }) => {
    const programs: Program[] = [], doors: Program[] = [];
    const run = async (words: readonly string[], env: NodeJS.ProcessEnv = {}, netns = a): Promise<Buffer> =>
      (await promisify(execFile)('nsenter', [`--net=/run/netns/${netns}`, ...words], { env: { ...process.env, ...env }, timeout: 60_000, maxBuffer: 64 << 20, encoding: 'buffer', cwd: '/' })).stdout;
    const front = async (port: number): Promise<void> => {
      await eventually(async () => (await run(['bash', '-c', `exec 3<>/dev/tcp/127.0.0.1/${String(port)}`], {}, router).then(() => '', () => `nobody listens on ${String(port)}`)), 20_000);
      const config = doorConfig({ address: HOST, port: port - 1000, backends: [{ address: '127.0.0.1', port, weight: 1 }], requests: 'http1' });
      const door = new Program([process.execPath, DOOR, JSON.stringify(config)], { netns: router });
      doors.push(door);
      await door.next();
    };
    const serve = async (words: readonly string[], ...ports: number[]): Promise<void> => {
      programs.push(new Program(words, { netns: router }));
      for (const port of ports) await front(port);
    };
    const totals: Scene['totals'] = () => Promise.all(doors.map(async (door) => {
      door.say();
      return await door.next() as DoorTotals;
    }));
    try {
      await test({ run, serve, totals });
    } finally {
      for (const program of [...doors, ...programs]) await program.kill();
    }
  });
}

function nginx(dir: string): string[] {
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', '/CN=door', '-addext', `subjectAltName=IP:${HOST}`,
    '-keyout', join(dir, 'key'), '-out', join(dir, 'crt')], { stdio: 'pipe' });
  writeFileSync(join(dir, 'nginx.conf'), `user root; daemon off; master_process off; pid ${dir}/pid; error_log ${dir}/error.log; events { worker_connections 256; }
http { access_log off; client_max_body_size 0; client_body_temp_path ${dir}/b; proxy_temp_path ${dir}/p; fastcgi_temp_path ${dir}/f; uwsgi_temp_path ${dir}/u; scgi_temp_path ${dir}/s;
  server { listen 127.0.0.1:9080; listen 127.0.0.1:9443 ssl; ssl_certificate ${dir}/crt; ssl_certificate_key ${dir}/key; root ${dir}; location = /small { return 200 "small\\n"; } } }\n`);
  return ['nginx', '-c', join(dir, 'nginx.conf')];
}

describe('the front door: real clients', function () {
  this.timeout(120_000);

  it('curl and wrk, plain; curl and openssl, over TLS', onScene(async ({ run, serve, totals }) => {
    const dir = folder(), file = randomBytes(8 << 20);
    writeFileSync(join(dir, 'large'), file);
    await serve(nginx(dir), 9080, 9443);
    for (const url of [`http://${HOST}:8080/large`, `https://${HOST}:8443/large`]) {
      for (let round = 0; round < 3; round++) assert.equal(sum(await run(['curl', '-sS', '--cacert', join(dir, 'crt'), url])), sum(file), url);
      const [status] = String(await run(['curl', '-sS', '--cacert', join(dir, 'crt'), '-o', '/dev/null', '-w', '%{http_code}', '-r', '100-199', url])).split(' ');
      assert.equal(status, '206');
    }
    const said = String(await run(['bash', '-c', '"$@" </dev/null 2>&1', 'bash', 'openssl', 's_client', '-connect', `${HOST}:8443`, '-CAfile', join(dir, 'crt'), '-verify_return_error', '-brief']));
    assert.match(said, /^Verification: OK$/m);
    const report = String(await run(['wrk', '-t1', '-c32', '-d2s', `http://${HOST}:8080/small`]));
    assert.match(report, /requests in/);
    assert.doesNotMatch(report, /Socket errors|Non-2xx/);
    const [plain, encrypted] = await totals();
    assert.ok(Number(plain?.requests.answers['2xx']) >= Number(/(\d+) requests in/.exec(report)?.[1]) + 4, 'each request was counted');
    assert.deepEqual([plain?.requests.unreadable, encrypted?.requests.unreadable, encrypted?.requests.answers['2xx']], [0, 5, 0], 'what is encrypted is not read');
    for (const { outcomes } of await totals()) assert.deepEqual(Object.entries(outcomes).filter(([name, count]) => count > 0 && !['closed', 'client_reset'].includes(name)), []);
  }));

  it('redis-cli and redis-benchmark', onScene(async ({ run, serve, totals }) => {
    const dir = folder(), value = randomBytes(3 << 20).toString('base64');
    writeFileSync(join(dir, 'value'), value);
    await serve(['redis-server', '--port', '7379', '--bind', '127.0.0.1', '--save', '', '--dir', dir], 7379);
    const cli = ['redis-cli', '-h', HOST, '-p', '6379'];
    await run(['bash', '-c', '"$@" < "$0"', join(dir, 'value'), ...cli, '-x', 'set', 'large']);
    assert.equal(String(await run([...cli, 'get', 'large'])).trimEnd(), value);
    for (const pipeline of ['1', '16']) {
      const report = String(await run(['redis-benchmark', '-h', HOST, '-p', '6379', '-q', '-c', '50', '-n', '20000', '-P', pipeline, '-d', '512', '-t', 'get,set,lrange_100']));
      assert.match(report, /^SET: [\d.]+ requests per second/m);
      assert.doesNotMatch(report, /error/i);
    }
    const bytesOut = (await totals())[0]?.bytesOut;
    assert.ok(Number(bytesOut) > value.length, String(bytesOut));
  }));

  it('psql and pgbench, with a COPY each way', onScene(async ({ run, serve }) => {
    const dir = folder(), data = newDatabase(dir);
    await serve([...AS_POSTGRES, pg('postgres'), '-D', data, '-c', 'listen_addresses=127.0.0.1', '-c', 'port=6432', '-c', 'unix_socket_directories=', '-c', 'fsync=off'], 6432);
    const env = { PGHOST: HOST, PGPORT: '5432', PGUSER: 'postgres', PGDATABASE: 'postgres' };
    const rows = Array.from({ length: 50_000 }, (_, i) => `${String(i)}\t${createHash('md5').update(String(i)).digest('hex')}\n`).join('');
    writeFileSync(join(dir, 'rows'), rows);
    await run([pg('psql'), '-Xq', '-c', 'create table t (i int, h text)', '-c', `\\copy t from '${join(dir, 'rows')}'`], env);
    assert.equal(String(await run([pg('psql'), '-XAtq', '-c', 'copy (select * from t order by i) to stdout'], env)), rows);
    await run([pg('pgbench'), '-i', '-q', '-s', '1'], env);
    assert.match(String(await run([pg('pgbench'), '-S', '-c', '8', '-j', '1', '-T', '2'], env)), /number of failed transactions: 0 /);
  }));

  it('iperf3, both directions and several streams', onScene(async ({ run, serve }) => {
    await serve(['iperf3', '-s', '-B', '127.0.0.1', '-p', '6201', '--forceflush'], 6201);
    for (const direction of [[], ['-R']]) {
      const report = JSON.parse(String(await run(['iperf3', '-c', HOST, '-p', '5201', '-t', '2', '-P', '4', '-J', ...direction]))) as { error?: string; end: { sum_sent: { bytes: number }; sum_received: { bytes: number } } };
      assert.equal(report.error, undefined);
      assert.ok(report.end.sum_received.bytes > 1 << 20);
    }
  }));
});
