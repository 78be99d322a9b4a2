// SPDX-License-Identifier: Apache-2.0
/** TCP settings of connections that leave the host, on the real kernel: what was asked for is what the sockets have. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import '../helpers/kernel-lock.js';
import { readTuning } from '../../config/tuning.js';
import { Tuning } from '../../agent/mesh/tuning.js';
import type { TunedSocket } from '../../agent/mesh/types.js';
import { eventually } from '../helpers/kernel.js';
import { keptLog } from '../helpers/log.js';
import { builds, listed, TestMesh, VIP } from '../helpers/mesh.js';
import { withHosts } from '../helpers/mesh-hosts.js';
import { withPods, type Pods } from '../helpers/pods.js';

/** Rules as in a file, in force. */
function rule(mesh: TestMesh, ...rules: object[]): { tuning: Tuning; lines: ReturnType<typeof keptLog>['lines'] } {
  const { value, findings } = readTuning(rules);
  assert.deepEqual(findings, []);
  const { log, lines } = keptLog();
  const tuning = new Tuning(log);
  tuning.configure(value, mesh.kernel, (service) => mesh.balancer.groupsOf(service).map(({ number }) => number));
  return { tuning, lines };
}

const server = { name: 'far', host: '10.77.2.2', port: 8080 };

/** A client in one pod, a server in the other, and the programs on the cgroup of both. */
async function apart(test: (mesh: TestMesh, pods: Pods) => Promise<void>, objectPath?: string): Promise<void> {
  await withPods(async (pods) => {
    const mesh = new TestMesh(pods.a, {}, objectPath);
    try {
      await mesh.endpoints([server, { ...server, name: 'six', host: pods.b6 }], [], pods.b);
      await test(mesh, pods);
    } finally {
      await mesh.clean();
    }
  });
}

const enter = (netns: string, ...words: string[]): string => execFileSync('nsenter', [`--net=/run/netns/${netns}`, ...words], { encoding: 'utf8' });
const sides = (rows: readonly TunedSocket[]): { client: TunedSocket | undefined; server: TunedSocket | undefined } =>
  ({ client: rows.find(({ remotePort }) => remotePort === 8080), server: rows.find(({ localPort }) => localPort === 8080) });

const everything = {
  congestionControl: 'reno', sendBuffer: '64KiB', receiveBuffer: '96KiB', initialWindow: 42, synTimeout: '300ms', synRetries: 3, keepaliveIdle: '70s',
  keepaliveInterval: '11s', keepaliveProbes: 4, userTimeout: '20s', noDelay: true, notSentLowWater: '32KiB', pacing: '50MiB', ecn: true,
};

describe('mesh: tuning', function () {
  this.timeout(60_000);

  for (const [build, objectPath] of builds) {
    it(`connections of a service get every setting, and others none; programs with ${build}`, () => apart(async (mesh, pods) => {
      await mesh.serve({ endpoints: listed([server]) });
      const { tuning } = rule(mesh, { service: 'web', ...everything }, { port: 8080, cidr: '10.77.0.0/16', ecn: true });
      const client = await mesh.client();
      await client.tell({ do: 'tcp', host: server.host, port: server.port, keep: true });
      assert.deepEqual((await mesh.kernel.tuned()).map((row) => [row.rule, row.given]), [[2, ['ecn']], [2, ['ecn']]], 'a connection that is not of the service, at both ends');
      await client.tell({ do: 'close' });
      await client.tell({ do: 'tcp', host: VIP, port: 80, keep: true });
      assert.deepEqual(await client.tell({ do: 'options', socket_: 1 }), {
        congestionControl: 'reno', sendBuffer: 65536, receiveBuffer: 98304, synRetries: 3, keepalive: 1, keepaliveIdle: 70, keepaliveInterval: 11,
        keepaliveProbes: 4, userTimeout: 20_000, noDelay: 1, notSentLowWater: 32768, pacing: 52_428_800,
      });
      assert.match(enter(pods.a, 'ss', '-tinH', 'dport', '=', ':8080'), /reno.* cwnd:42 /);
      const row = (await mesh.kernel.tuned()).find(({ rule: which }) => which === 1);
      assert.deepEqual([row!.remoteAddress, row!.refused, row!.given.length, row!.now.ecn, row!.now.keepaliveIdle, row!.now.sendBuffer], [server.host, [], 14, 1, 70_000, 65536]);
      assert.deepEqual(tuning.views(mesh.kernel), [{ index: 0, service: 'web', connections: 1, refused: [] }, { index: 1, service: '', connections: 3, refused: [] }]);
    }, objectPath));
  }

  it('by port and by network, at both ends, over both families; the first rule that fits holds', () => apart(async (mesh, pods) => {
    rule(mesh, { port: 9999, noDelay: true }, { cidr: `${pods.b6}/128`, userTimeout: '5s' }, { cidr: '10.77.2.2/31', port: '8000-8100', userTimeout: '7s' }, { port: 8080, initialWindow: 33 });
    const client = await mesh.client();
    const talk = async (host: string): Promise<ReturnType<typeof sides>> => {
      await client.tell({ do: 'tcp', host, port: 8080, keep: true });
      const found = sides((await mesh.kernel.tuned()).filter(({ localAddress, remoteAddress }) => localAddress === host || remoteAddress === host));
      await client.tell({ do: 'close' });
      return found;
    };
    const [four, six] = [await talk(server.host), await talk(pods.b6)];
    // Seen from the server the other end is the client, or the router that stands for it: in none of the networks.
    assert.deepEqual([four.client?.rule, four.client?.now.userTimeout, four.server?.rule, four.server?.given], [3, 7000, 4, ['initialWindow']]);
    assert.deepEqual([six.client?.rule, six.client?.now.userTimeout, six.server?.rule], [2, 5000, 4]);
  }));

  it('congestion is notified where both ends have the rule, and not where one has it', () => apart(async (mesh) => {
    const client = await mesh.client();
    const agreed = async (...rules: object[]): Promise<unknown> => {
      rule(mesh, ...rules);
      await client.tell({ do: 'tcp', host: server.host, port: 8080, keep: true });
      const { now } = (await mesh.kernel.tuned()).find(({ remotePort }) => remotePort === 8080)!;
      await client.tell({ do: 'close' });
      return now.ecn;
    };
    assert.deepEqual([await agreed({ port: 8080, ecn: true }), await agreed({ cidr: '10.77.2.2', ecn: true })], [1, 0]);
  }));

  it('without rules no program for them is attached, so that it costs nothing; an agent that comes next begins without', () => apart(async (mesh) => {
    const attached = (): boolean => mesh.kernel.info().programs.some(({ name }) => name === 'sidestep_mesh_tune');
    assert.equal(attached(), false);
    const { tuning } = rule(mesh, { port: 8080, noDelay: true });
    assert.equal(attached(), true);
    mesh.kernel.close();
    mesh.open();
    assert.equal(attached(), false);
    tuning.configure(readTuning([{ port: 8080, userTimeout: '20s' }]).value, mesh.kernel, () => []);
    assert.equal(attached(), true);
    const client = await mesh.client();
    await client.tell({ do: 'tcp', host: server.host, port: 8080, keep: true });
    assert.equal((await mesh.kernel.tuned()).length, 2);
    tuning.configure([], mesh.kernel, () => []);
    assert.equal(attached(), false);
  }));

  it('connections that stay on the host are left alone', () => apart(async (mesh, pods) => {
    await mesh.endpoints([{ name: 'near', host: '10.77.1.2', port: 8080 }]);
    rule(mesh, { port: 8080, userTimeout: '5s' });
    const client = await mesh.client();
    assert.deepEqual((await client.tell({ do: 'tcp', host: '10.77.1.2', port: 8080, keep: true })).names, ['near']);
    assert.deepEqual(await mesh.kernel.tuned(), []);
    await client.tell({ do: 'tcp', host: pods.b4, port: 8080, keep: true });
    assert.equal((await mesh.kernel.tuned()).length, 2);
  }));

  it('the first SYN is sent again when the rule says so', () => apart(async (mesh, pods) => {
    const client = await mesh.client();
    const drop = ['INPUT', '-p', 'tcp', '--syn', '-j', 'DROP'];
    enter(pods.b, 'iptables', '-A', ...drop);
    const syns = async (): Promise<number> => {
      enter(pods.b, 'iptables', '-Z', 'INPUT');
      assert.equal((await client.tell({ do: 'tcp', host: server.host, port: 8080, timeout: 2.5 })).names.length, 0);
      return Number(/^\s*(\d+)/m.exec(enter(pods.b, 'iptables', '-nvxL', 'INPUT').split('\n').slice(2).join('\n'))?.[1]);
    };
    // At 0 and 1 s; also at 2 s, where net.ipv4.tcp_syn_linear_timeouts says so.
    const plain = await syns();
    assert.ok(plain === 2 || plain === 3, `${plain} SYNs`);
    rule(mesh, { port: 8080, synTimeout: '100ms' });
    // At 0, 0.1, 0.3, 0.7 and 1.5 s, or more.
    const tuned = await syns();
    assert.ok(tuned >= 5, `${tuned} SYNs`);
    rule(mesh, { port: 8080, synTimeout: '50ms', synRetries: 1 });
    const report = await client.tell({ do: 'tcp', host: server.host, port: 8080, timeout: 5 });
    assert.deepEqual(report.errors, { ETIMEDOUT: 1 });
  }));

  it('what the kernel refuses is counted, and said once for each rule and setting; a new list counts on', () => apart(async (mesh) => {
    const rules = [{ port: 8080, congestionControl: 'nosuch', sendBuffer: '512MiB', noDelay: true }];
    const { tuning, lines } = rule(mesh, ...rules);
    const client = await mesh.client();
    await client.tell({ do: 'tcp', host: server.host, port: 8080, n: 5, keep: true });
    for (let turn = 0; turn < 3; turn++) tuning.look(mesh.kernel);
    assert.deepEqual(lines.map(({ msg, rule: which, setting }) => [msg, which, setting]), [
      ['the kernel refuses a setting of connections', 'tuning[0]', 'congestionControl'],
      ['the kernel refuses a setting of connections', 'tuning[0]', 'sendBuffer'],
    ]);
    const { connections, refused } = tuning.views(mesh.kernel)[0]!;
    // Both ends.
    assert.deepEqual([connections, refused.map(({ option, times, because }) => [option, times, because])], [10, [
      ['congestionControl', 10, 'the kernel has no such congestion control; load its module, tcp_ and the name'],
      ['sendBuffer', 10, 'the kernel gives less; raise net.core.wmem_max'],
    ]]);
    tuning.configure(readTuning([...rules, { port: 81, noDelay: true }]).value, mesh.kernel, () => []);
    assert.deepEqual(tuning.views(mesh.kernel).map((view) => view.connections), [10, 0]);
    tuning.configure([], mesh.kernel, () => []);
    assert.deepEqual(mesh.kernel.tallies(), []);
    await client.tell({ do: 'tcp', host: server.host, port: 8080, keep: true });
    assert.equal((await mesh.kernel.tuned()).length, 10, 'a new connection was tuned by a rule that has gone');
  }));

  it('the agent follows the file, and explains what a connection got; without services too', () => withHosts(async (a, b) => {
    const far = b.ground.program('serve.py', { host: '0.0.0.0', port: 8080 });
    await far.next();
    await a.start([]);
    a.ground.config(JSON.stringify({ tuning: [{ port: 8080, userTimeout: '9s', congestionControl: 'nosuch' }, { service: 'none', noDelay: true }] }));
    await eventually(() => ((a.ground.api('/v1/status') as { problems: string[] }).problems.some((one) => one.includes('there is no service none')) ? '' : 'the file is not followed'));
    const client = a.ground.program('ask.py', { host: b.address, port: 8080, rounds: 2 });
    await client.next();
    const { stdout } = a.ground.cli('explain', '8080');
    assert.match(stdout, /^ask\.py\/\d+|^python3[\d.]*\/\d+ at 10\.77\.1\.2:\d+ to 10\.77\.2\.2:8080: TCP settings by tuning\[0\]$/m);
    assert.match(stdout, /set: userTimeout 9s$/m);
    assert.match(stdout, /refused by the kernel: congestionControl \w+/);
    await eventually(() => (/the kernel refuses a setting of connections/.test(a.agent!.stderr) ? '' : 'it is not said'));
    assert.match(a.ground.cli('status').stdout, /tuning\[0\]\.congestionControl is refused: the kernel has no such congestion control/);
    a.ground.config('');
    await eventually(() => (/tuning/.test(a.ground.cli('explain', '8080').stdout) ? 'the rule is still there' : ''));
  }));
});
