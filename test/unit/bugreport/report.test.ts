import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import type { Manifest } from '../../../agent/bugreport/gather.js';
import { ofInterest } from '../../../agent/bugreport/kernel.js';
import { lastOf } from '../../../agent/bugreport/log.js';
import { PARTS } from '../../../agent/bugreport/parts.js';
import { reportName } from '../../../agent/cli/commands/bugreport.js';
import { fakeEndpoint, fakePair } from '../../../agent/datapath/fake.js';
import { zeroTraffic } from '../../../agent/datapath/traffic.js';
import { noMesh, startTestAgent, type TestAgent } from '../../helpers/agent-view.js';
import { folder } from '../../helpers/folder.js';
import { sidestep, start, type Outcome } from '../../helpers/run.js';
import { fakeMesh } from '../agent/fake-mesh.js';
import { fakeProfile } from '../agent/fake-profile.js';

// Wherever a person could have put one.
const secrets = ['hunter2', 'c0rrect-h0rse', 'eyJhbGciOiJFZDI1NTE5', 'SUACSSL3UAHUDXKFSNVUZRF5', 'MIIEvQIBADANBgkqhkiG', 'tok-4711'];
const addresses = ['10.0.0.7', '10.0.0.8', '10.96.0.1', '192.0.2.77', 'fd00::7', 'fd00::a', '127.0.0.1', '198.51.100.9'];
const names = ['alice', 'bobsworth', 'db-host-77', 'nats-77.example'];

const configuration = `
host: {name: db-host-77, address: 192.0.2.77}
bus: {mode: external, servers: ["tls://nats-77.example:4222", "tls://10.0.0.8:4222"], nkey: /home/alice/SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY}
scope: {exclude: ["user:bobsworth", "cidr:198.51.100.9/32"]}
services:
  - name: web
    addresses: [10.96.0.1, "fd00::a"]
    port: 80
    endpoints: [{address: 10.0.0.7, port: 8080, host: db-host-77}]
    health: {type: http, path: "/health?token=tok-4711&password=hunter2"}
`;
const log = `{"level":"error","msg":"nats://svc:hunter2@nats-77.example:4222 refused","peer":"fd00::7"}
{"level":"warn","msg":"body {\\"client_secret\\":\\"c0rrect-h0rse battery\\"} from 10.0.0.7:8080"}
jwt eyJhbGciOiJFZDI1NTE5In0.eyJqdGkiOiJYIn0.c2lnbmF0dXJl of alice@example.org on db-host-77
-----BEGIN PRIVATE KEY-----
MIIEvQIBADANBgkqhkiG
-----END PRIVATE KEY-----
`;

function filesBelow(directory: string): Map<string, string> {
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return new Map(entries.map((entry) => {
    const path = join(entry.parentPath, entry.name);
    return [path.slice(directory.length + 1), readFileSync(path, 'utf8')];
  }));
}

const absent = (files: ReadonlyMap<string, string>, needles: readonly string[]): void => {
  for (const [file, text] of files)
    for (const needle of needles) assert.ok(!text.toLowerCase().includes(needle.toLowerCase()), `${needle} is in ${file}`);
};

describe('bugreport', () => {
  let runDir: string;
  let agent: TestAgent;
  const ask = (...args: string[]): Promise<Outcome> => sidestep(['--config', join(runDir, 'config.yaml'), '--run-dir', runDir, 'bugreport', ...args], { SUDO_USER: 'alice' });
  const write = (name: string, text: string): string => {
    writeFileSync(join(runDir, name), text);
    return join(runDir, name);
  };
  const manifestOf = (files: ReadonlyMap<string, string>): Manifest => JSON.parse(files.get('manifest.json')!) as Manifest;

  beforeEach(async () => {
    runDir = folder();
    write('config.yaml', configuration);
    write('agent.log', log);
    const endpoint = {
      service: 'web', address: '10.0.0.7', port: 8080, host: 'db-host-77', zone: '', version: '', weight: 1, state: 'up' as const, origin: 'config' as const,
      workload: '', held: false, load: { active: 1, connecting: 0, opened: 1, failed: 0, latencyUs: 0 } as never,
    };
    agent = await startTestAgent(runDir, { mesh: { ...noMesh, services: fakeMesh.services, endpoints: () => [endpoint], bus: fakeMesh.bus } });
    agent.datapath.live = [
      fakePair({ client: fakeEndpoint({ address: '10.0.0.7', comm: 'at-10.0.0.8' }), server: fakeEndpoint({ address: 'fd00::7', family: 'ipv6', port: 8080 }), dialledAddress: '10.96.0.1' }),
      fakePair({ id: '00000002deadbeef', state: 'tcp', reason: 'blocking', client: fakeEndpoint({ address: '10.0.0.7' }) }),
    ];
    agent.datapath.totals = [{ client: 'at-10.0.0.8', server: 'token=hunter2', port: 8080, clientSent: zeroTraffic(), serverSent: zeroTraffic(), connections: 1, accelerated: 1 }];
    agent.datapath.profileList = [fakeProfile()];
  });
  afterEach(() => agent.stop());

  it('has every part of a running agent, and no secret, address or name in any file', async () => {
    const directory = join(runDir, 'report');
    const outcome = await ask('--dir', directory, '--log', join(runDir, 'agent.log'));
    assert.deepEqual([outcome.code, outcome.stderr], [0, '']);
    const files = filesBelow(directory);
    const manifest = manifestOf(files);
    // What is made up here has no metrics over HTTP and no pins; bpftool needs rights that a test may lack.
    const lacking = manifest.missing.map(({ file }) => file).filter((file) => !['agent/metrics.txt', 'pins.json', 'kernel.json'].includes(file));
    assert.deepEqual(lacking, []);
    assert.deepEqual([...files.keys()].filter((file) => file.startsWith('agent/')).sort(),
      PARTS.map(({ file }) => file).filter((file) => file.startsWith('agent/') && file !== 'agent/metrics.txt').sort());
    absent(files, [...secrets, ...addresses, ...names]);
    for (const [file, text] of files) assert.doesNotMatch(text, new RegExp(`(?<![\\w-])${hostname()}(?![\\w-])`), file);
    assert.equal(statSync(directory).mode & 0o777, 0o700);
    assert.equal(statSync(join(directory, 'config.json')).mode & 0o777, 0o600);
    assert.ok(manifest.masked.secrets >= 6 && manifest.masked.addresses >= 10 && manifest.masked.hosts > 2 && manifest.masked.users > 2, JSON.stringify(manifest.masked));
  });

  it('of a whole agent lacks nothing that an agent tells, its metrics among it', async () => {
    const other = folder();
    const running = start('test/helpers/fake-agent.js', [other]);
    await running.said('"ready"');
    const outcome = await sidestep(['--run-dir', other, 'bugreport', '--dir', join(other, 'report')]);
    running.child.kill('SIGKILL');
    const files = filesBelow(join(other, 'report'));
    assert.deepEqual(manifestOf(files).missing.filter(({ file }) => file.startsWith('agent/')), [], outcome.stdout);
    assert.match(files.get('agent/metrics.txt')!, /^sidestep_enabled 1$/m);
    absent(files, ['127.0.0.1']);
  });

  it('the same address has the same pseudonym in every file, and none of another report', async () => {
    const read = async (name: string): Promise<{ pair: string; endpoint: string }> => {
      await ask('--dir', join(runDir, name));
      const files = filesBelow(join(runDir, name));
      const { pairs } = JSON.parse(files.get('agent/pairs.json')!) as { pairs: { client: { address: string } }[] };
      const { endpoints } = JSON.parse(files.get('agent/endpoints.json')!) as { endpoints: { address: string }[] };
      assert.equal(pairs[0]!.client.address, pairs[1]!.client.address);
      return { pair: pairs[0]!.client.address, endpoint: endpoints[0]!.address };
    };
    const [one, two] = [await read('one'), await read('two')];
    assert.equal(one.pair, one.endpoint);
    assert.match(one.pair, /^ip4-private-/);
    assert.notEqual(one.pair, two.pair);
  });

  it('--no-mask leaves addresses and names, and secrets are masked all the same', async () => {
    const directory = join(runDir, 'report');
    const outcome = await ask('--no-mask', '--dir', directory, '--log', join(runDir, 'agent.log'));
    assert.match(outcome.stdout, /addresses and names are as they are/);
    const files = filesBelow(directory);
    absent(files, secrets);
    assert.match(files.get('agent/pairs.json')!, /"10\.0\.0\.7"/);
    assert.match(files.get('config.json')!, /nats-77\.example/);
    assert.equal(manifestOf(files).masked.pseudonyms, false);
  });

  it('without an agent has what the host tells, and says what it lacks', async () => {
    await agent.stop();
    const outcome = await ask('--dir', join(runDir, 'report'));
    assert.equal(outcome.code, 0);
    const files = filesBelow(join(runDir, 'report'));
    for (const file of ['versions.json', 'host.json', 'check.json', 'config.json']) assert.ok(files.has(file), file);
    const { missing } = manifestOf(files);
    assert.deepEqual(missing.filter(({ file }) => file.startsWith('agent/')).length, PARTS.filter(({ file }) => file.startsWith('agent/')).length);
    assert.match(missing.find(({ file }) => file === 'agent/status.json')!.because, /no agent answers/);
    assert.match(outcome.stdout, /without agent\/config\.json, agent\/status\.json, .*: no agent answers \(\S+\)$/m);
  });

  it('with a configuration that does not load says why, without what was in it', async () => {
    write('config.yaml', 'bus: {servers: ["nats://svc:hunter2@10.0.0.8:4222"], nkey: tok-4711}\n');
    const outcome = await ask('--dir', join(runDir, 'report'));
    assert.equal(outcome.code, 0);
    const files = filesBelow(join(runDir, 'report'));
    absent(files, ['hunter2', '10.0.0.8']);
    assert.match(manifestOf(files).missing.find(({ file }) => file === 'config.json')!.because, /bus\.servers/);
    absent(new Map([['stdout', outcome.stdout]]), ['hunter2', '10.0.0.8']);
    assert.ok(files.has('agent/status.json'));
  });

  it('is one archive, of one directory, that its owner alone may read', async () => {
    const file = join(runDir, 'report.tar.gz');
    const manifest = JSON.parse((await ask(file, '-o', 'json')).stdout) as Manifest & { path: string };
    assert.deepEqual([manifest.apiVersion, manifest.format, manifest.path], [1, 'sidestep-bugreport', file]);
    assert.equal(statSync(file).mode & 0o777, 0o600);
    const out = join(runDir, 'out');
    mkdirSync(out);
    execFileSync('tar', ['xzf', file, '-C', out]);
    const [top, ...others] = readdirSync(out);
    assert.deepEqual(others, []);
    const files = filesBelow(join(out, top!));
    assert.deepEqual([...files.keys()].sort(), [...manifest.files.map((one) => one.file), 'manifest.json'].sort());
    absent(files, [...secrets, ...addresses, ...names]);
  });

  it('overwrites nothing, and leaves no half of itself', async () => {
    const file = write('report.tar.gz', 'precious');
    const outcome = await ask(file);
    assert.equal(outcome.code, 2);
    assert.match(outcome.stderr, /report\.tar\.gz is there already; name another/);
    assert.equal(readFileSync(file, 'utf8'), 'precious');
    assert.equal((await ask(join(runDir, 'no', 'such', 'x.tar.gz'))).code, 2);
    assert.equal((await ask(join(runDir, 'x.tar.gz'), '--dir', join(runDir, 'y'))).code, 2);
    assert.ok(!existsSync(join(runDir, 'x.tar.gz')) && !existsSync(join(runDir, 'y')));
  });

  it('is named after the moment, not after the host', () => {
    assert.equal(reportName(new Date('2026-11-26T18:22:17.123Z')), 'sidestep-bugreport-20261126-182217');
  });
});

describe('parts of a bugreport', () => {
  it('of the kernel: what is ours or on our hooks, its maps and links, and nothing else', () => {
    const found = ofInterest({
      programs: [
        { id: 1, type: 'sk_msg', name: 'sidestep_sk_msg', map_ids: [10] }, { id: 2, type: 'sock_ops', name: 'bpf_sockmap', map_ids: [11] },
        { id: 3, type: 'kprobe', name: 'spy', map_ids: [12] }, { id: 4, type: 'tracing', name: 'sidestep_guard' },
      ],
      maps: [{ id: 10, name: 'x' }, { id: 11, name: 'cilium' }, { id: 12, name: 'spied' }, { id: 13, name: 'sidestep_pairs' }],
      links: [{ id: 20, prog_id: 2 }, { id: 21, prog_id: 3 }, { id: 22 }],
    });
    const ids = (list: readonly { id: number }[]): number[] => list.map(({ id }) => id);
    assert.deepEqual([ids(found.programs), ids(found.maps), ids(found.links)], [[1, 2, 4], [10, 11, 13], [20]]);
  });

  it('of the log: the last lines', () => {
    assert.equal(lastOf('a\nb\nc\n', 2), 'b\nc\n');
    assert.equal(lastOf('a', 2), 'a\n');
  });
});
