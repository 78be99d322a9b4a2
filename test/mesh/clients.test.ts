// SPDX-License-Identifier: Apache-2.0
/** Clients that nobody here wrote, on one of three hosts, reach services that run on all three by their virtual addresses. */
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import '../helpers/kernel-lock.js';
import { folder } from '../helpers/folder.js';
import { eventually } from '../helpers/kernel.js';
import { withManyHosts, type MeshHost } from '../helpers/mesh-hosts.js';
import { AS_POSTGRES, newDatabase, pg } from '../helpers/postgres.js';

const PROGRAMS = fileURLToPath(new URL('../../../test/mesh/programs', import.meta.url));
const VIPS = ['10.96.0.7', 'fd00:96::7'] as const;
const service = (name: string, port: number, local: number, protocol = 'tcp'): object =>
  ({ name, addresses: VIPS, port, protocol, policy: 'round-robin', local: { port: local } });
const services = [service('web', 80, 8080), service('cache', 6379, 6380), service('dns', 53, 5353, 'udp'), service('db', 5432, 5433)];
const everybody = ['host-1', 'host-2', 'host-3'];

/** As a program of that host; its words, without the last line break. */
async function run(host: MeshHost, words: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<string> {
  const command = ['-c', 'echo $$ > "$0/cgroup.procs" && exec nsenter --net=/run/netns/"$@"', host.ground.cgroup, host.netns, ...words];
  return (await promisify(execFile)('bash', command, { env: { ...process.env, ...env }, timeout: 20_000 })).stdout.trimEnd();
}

function startDatabase(host: MeshHost): void {
  const data = newDatabase(folder());
  writeFileSync(join(data, 'pg_hba.conf'), 'host all all all trust\n');
  host.ground.command([...AS_POSTGRES, pg('postgres'), '-D', data, '-c', 'listen_addresses=*', '-c', 'port=5433', '-c', 'unix_socket_directories=', '-c', `cluster_name=${host.name}`, '-c', 'fsync=off']);
}

function startServers(host: MeshHost): void {
  const dir = folder();
  writeFileSync(join(dir, 'nginx.conf'), `user root; daemon off; worker_processes 1; pid ${dir}/pid; error_log ${dir}/error.log; events { worker_connections 64; }
http { access_log off; client_body_temp_path ${dir}/b; proxy_temp_path ${dir}/p; fastcgi_temp_path ${dir}/f; uwsgi_temp_path ${dir}/u; scgi_temp_path ${dir}/s;
  server { listen 8080; listen [::]:8080; location / { return 200 "${host.name}"; } } }\n`);
  host.ground.command(['nginx', '-c', join(dir, 'nginx.conf')]);
  host.ground.command(['redis-server', '--port', '6380', '--bind', '0.0.0.0', '::', '--protected-mode', 'no', '--save', '', '--dir', dir]);
  host.ground.command(['dnsmasq', '-k', '-C', '/dev/null', '-R', '-h', '-p', '5353', '--txt-record', `who.test,${host.name}`, '--user=root', '--pid-file=']);
  startDatabase(host);
}

/** Each host is asked as often as the others. */
function assertShared(answers: readonly string[], of: readonly string[] = everybody): void {
  assert.deepEqual([...new Set(answers)].sort(), [...of].sort(), answers.join(' '));
}

describe('mesh: real clients', function () {
  this.timeout(180_000);

  it('curl, Node.js, Go, redis-cli, psql and dig, over both families; the peer that they see is the one that they asked for', () => withManyHosts(3, async (hosts) => {
    const go = join(folder(), 'get');
    execFileSync('go', ['build', '-o', go, join(PROGRAMS, 'get.go')], { env: { ...process.env, CGO_ENABLED: '0', GO111MODULE: 'off' } });
    for (const host of hosts) startServers(host);
    await Promise.all(hosts.map((host) => host.start(services)));
    const [client] = hosts as [MeshHost];
    await eventually(() => {
      const states = client.services().map(({ name, up, endpoints }) => `${name} ${up}/${endpoints}`).join(', ');
      return states === 'web 6/6, cache 6/6, dns 6/6, db 6/6' ? '' : `${states}; ${JSON.stringify(client.bus().registry)}`;
    }, 60_000);
    for (const vip of VIPS) {
      const at = vip.includes(':') ? `[${vip}]` : vip;
      const url = `http://${at}/`;
      const curls = await Promise.all(Array.from({ length: 6 }, () => run(client, ['curl', '-sS', '-w', ' %{remote_ip}:%{remote_port}', url])));
      for (const [who, words] of [['curl', curls.join('\n')], ['node', await run(client, [process.execPath, join(PROGRAMS, 'get.cjs'), url, '6'])], ['go', await run(client, [go, url, '6'])]] as const) {
        const lines = words.split('\n').map((line) => line.split(' ') as [string, string]);
        assertShared(lines.map(([host]) => host));
        const peer = who === 'curl' ? `${vip}:80` : `${at}:80`;
        assert.deepEqual([...new Set(lines.map(([, seen]) => seen))], [peer], who);
      }
      const ids = await Promise.all(Array.from({ length: 6 }, () => run(client, ['redis-cli', '-h', vip, 'info', 'server'])));
      assert.equal(new Set(ids.map((text) => /run_id:(\w+)/.exec(text)?.[1])).size, 3);
      const rows: string[] = [];
      for (let turn = 0; turn < 3; turn++)
        rows.push(await run(client, [pg('psql'), '-XAtq', '-c', '\\conninfo', '-c', "select current_setting('cluster_name')"], { PGHOST: vip, PGUSER: 'postgres', PGDATABASE: 'postgres' }));
      assertShared(rows.map((text) => text.split('\n').at(-1)!));
      for (const text of rows) assert.ok(text.includes(vip) && text.includes('"5432"'), text);
      const digs: string[] = [];
      for (let turn = 0; turn < 6; turn++) digs.push(await run(client, ['dig', '+tries=1', '+time=3', `@${vip}`, 'who.test', 'TXT']));
      assertShared(digs.map((text) => /TXT\s+"(\S+)"/.exec(text)?.[1] ?? text));
      for (const text of digs) assert.ok(text.includes(`SERVER: ${vip}#53`), text);
    }
    assert.equal(client.services().reduce((sum, { refused }) => sum + refused.no_endpoint, 0), 0);
  }));
});
