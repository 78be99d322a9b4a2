// SPDX-License-Identifier: Apache-2.0
/** Servers as they are, not changed and not told: found, balanced, reloaded under load, and the kernel's again at the end. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'mocha';
import '../helpers/kernel-lock.js';
import { folder } from '../helpers/folder.js';
import { PROGRAMS } from '../helpers/program.js';
import { groupOf, listeners, onGround, PORT, spreads, well, type Ground } from '../helpers/reuseport.js';

/** Starts it, waits until it has its listeners, balances it, compares, and stops balancing. */
async function serves(ground: Ground, count: number, during: () => Promise<void> = () => Promise.resolve()): Promise<void> {
  const reuseport = await ground.balance();
  await listeners(ground, reuseport, count);
  const { by } = await ground.storm({ count: 200, http: true });
  assert.equal(Object.keys(by).length, count, JSON.stringify(by));
  await spreads(ground, 1.25, { count: 1000, http: true });
  await during();
  await reuseport.stop(false);
  const observer = await ground.balance({ 'reuseport.include': '' });
  await groupOf(ground, observer);
  const { why, program } = await groupOf(ground, observer);
  assert.deepEqual([why, program], ['not_chosen', undefined]);
  assert.deepEqual({ ...(await ground.storm({ count: 100, http: true })), by: 0 }, { ...well, by: 0 });
}

function nginxConfig(dir: string, workers: number): string {
  const path = join(dir, 'nginx.conf');
  writeFileSync(path, `user root; daemon off; worker_processes ${workers}; pid ${dir}/pid; error_log ${dir}/error.log;
events { worker_connections 1024; }
http { access_log off; client_body_temp_path ${dir}/b; proxy_temp_path ${dir}/p; fastcgi_temp_path ${dir}/f; uwsgi_temp_path ${dir}/u; scgi_temp_path ${dir}/s;
  server { listen ${PORT} reuseport; location / { return 200 "$pid"; } } }
`);
  return path;
}

describe('reuseport: servers', () => {
  it('nginx with `reuseport`: balanced; tests of the configuration and reloads under load lose nobody', () => onGround(async (ground) => {
    const dir = folder();
    const config = nginxConfig(dir, 4);
    const nginx = ground.command(['nginx', '-c', config]);
    await serves(ground, 4, async () => {
      const load = ground.python('steady.py', { port: PORT, http: true });
      await load.next();
      for (let round = 0; round < 5; round++) {
        await ground.command(['nginx', '-t', '-q', '-c', config]).end();
        nginx.child.kill('SIGHUP');
        await ground.storm({ count: 200, http: true });
      }
      load.say('stop');
      const { answered, ...bad } = (await load.end()).at(-1) as { answered: number };
      assert.deepEqual(bad, well);
      assert.ok(answered > 0);
    });
  })).timeout(40_000);

  it('HAProxy with four shards', () => onGround(async (ground) => {
    const dir = folder();
    const path = join(dir, 'haproxy.cfg');
    writeFileSync(path, `global\n  nbthread 4\ndefaults\n  mode http\n  timeout client 5s\n  timeout server 5s\n  timeout connect 5s
frontend web\n  bind 0.0.0.0:${PORT} shards 4\n  http-request return status 200 content-type text/plain lf-string "%[thread]"\n`);
    ground.command(['haproxy', '-db', '-f', path]);
    await serves(ground, 4);
  }));

  it('three gunicorn masters with --reuse-port', () => onGround(async (ground) => {
    const dir = folder();
    writeFileSync(join(dir, 'app.py'), `import os
def app(environ, start):
    body = str(os.getppid()).encode()
    start("200 OK", [("Content-Length", str(len(body)))])
    return [body]
`);
    mkdirSync(join(dir, 'tmp'));
    for (let master = 0; master < 3; master++)
      ground.command(['gunicorn', '--chdir', dir, '--reuse-port', '-w', '2', '-b', `0.0.0.0:${PORT}`, '--worker-tmp-dir', join(dir, 'tmp'), 'app:app']);
    await serves(ground, 3);
  })).timeout(40_000);

  it('four Go processes', () => onGround(async (ground) => {
    const server = join(folder(), 'server');
    execFileSync('go', ['build', '-o', server, join(PROGRAMS, 'shared_port.go')], { env: { ...process.env, CGO_ENABLED: '0', GO111MODULE: 'off' } });
    for (let worker = 0; worker < 4; worker++) ground.command([server, `0.0.0.0:${PORT}`]);
    await serves(ground, 4);
  })).timeout(120_000);

  it('four Node.js processes, each with a listener of its own', () => onGround(async (ground) => {
    // server.listen({ reusePort }) came with Node.js 22.12; before, whoever starts the process hands it the socket.
    const server = `require('http').createServer((_, answer) => answer.end(String(process.pid))).listen({ fd: 3 })`;
    for (let worker = 0; worker < 4; worker++) ground.python('with_listener.py', { port: PORT, command: [process.execPath, '-e', server] });
    await serves(ground, 4);
  })).timeout(40_000);
});
