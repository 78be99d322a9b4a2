// SPDX-License-Identifier: Apache-2.0
/**
 * What has to hold over many connections and for a long time: counts that stay exact, drains that no client notices, and
 * a broker that is away. Each tells how often it did not.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { wordsOf } from '../../agent/errors.js';
import { eventually } from '../helpers/kernel.js';
import { withHosts, type MeshHost } from '../helpers/mesh-hosts.js';
import { listed, named, VIP, withMesh, type TestMesh } from '../helpers/mesh.js';
import { Program } from '../helpers/program.js';
import { buildDriver } from './build.js';
import { output } from './programs.js';

type Place = Pick<TestMesh, 'cgroup' | 'netns'>;

/** Resolves to what went wrong, '' when nothing did. */
const trouble = (place: Place, words: readonly (string | number)[]): Promise<string> =>
  output(words.map(String), place).then(() => '', (error: unknown) => wordsOf(error));

const clean = (mesh: TestMesh, hosts: readonly string[]): boolean =>
  hosts.every((host) => mesh.load(host).active === 0 && mesh.load(host).connecting === 0);

/** Connections one after the other, and beside them programs that are killed with connections under way. */
export async function exactCounts(connections: number): Promise<object> {
  const driver = await buildDriver('connect');
  const [steady, killed] = named(2);
  const other = '10.96.0.2';
  let figures = {};
  await withMesh(async (mesh) => {
    const service = (name: string, address: string, endpoint: { host: string; port: number }): object => ({ name, addresses: [address], port: 80, policy: 'least-connections', endpoints: listed([endpoint]) });
    await mesh.serve(service('steady', VIP, steady!), service('killed', other, killed!));
    const call = (from: { host: string; port: number }, to: string, count: number): readonly (string | number)[] => [driver, from.host, from.port, to, 80, count];
    const began = performance.now();
    const over = new AbortController();
    let kills = 0;
    const killing = (async () => {
      while (!over.signal.aborted) {
        const program = new Program([...call(killed!, other, 10_000_000).map(String)], mesh);
        await sleep(300);
        await program.kill();
        kills++;
      }
    })();
    const error = await trouble(mesh, call(steady!, VIP, connections));
    over.abort();
    await killing;
    const ms = performance.now() - began;
    await eventually(() => (clean(mesh, [steady!.host, killed!.host]) ? '' : 'still counted'), 10_000).catch(() => undefined);
    const [a, b] = [mesh.load(steady!.host), mesh.load(killed!.host)];
    figures = {
      connections, counted: a.total, stillOpen: a.active + a.connecting, error, perSecond: Math.round(connections / ms * 1000),
      killed: { programs: kills, counted: b.total, stillOpen: b.active + b.connecting },
    };
  });
  return figures;
}

const redis = (place: Place, host: string, port: number): Program =>
  new Program(['redis-server', '--port', `${port}`, '--bind', host, '--protected-mode', 'no', '--save', ''], place);

/** Requests, each over a connection of its own, while one endpoint after the other is drained, ended, started and taken back. */
export async function drains(requests: number): Promise<object> {
  const endpoints = named(3);
  let figures = {};
  await withMesh(async (mesh) => {
    await mesh.serve({ endpoints: listed(endpoints), policy: 'round-robin' });
    const servers = new Map(endpoints.map(({ host, port }) => [host, redis(mesh, host, port)]));
    const answers = (host: string, port: number): Promise<unknown> => eventually(async () => trouble(mesh, ['redis-cli', '-h', host, '-p', port, 'ping']));
    await Promise.all(endpoints.map(({ host, port }) => answers(host, port)));
    const over = new AbortController();
    let drained = 0;
    const turning = (async () => {
      for (let turn = 0; !over.signal.aborted; turn++) {
        const { host, port } = endpoints[turn % endpoints.length]!;
        mesh.balancer.override('web', host, port, { draining: true });
        await mesh.balancer.settled();
        await eventually(() => (clean(mesh, [host]) ? '' : 'connections are left'), 30_000);
        await servers.get(host)!.kill();
        servers.set(host, redis(mesh, host, port));
        await answers(host, port);
        mesh.balancer.override('web', host, port, { draining: false });
        await mesh.balancer.settled();
        drained++;
        await sleep(100);
      }
    })();
    const error = await trouble(mesh, ['redis-benchmark', '-h', VIP, '-p', 80, '-k', 0, '-c', 20, '-n', requests, '-t', 'get', '-q']);
    over.abort();
    await turning;
    const served = endpoints.map(({ host }) => mesh.load(host));
    figures = {
      requests, drained, error, connections: served.reduce((sum, { total }) => sum + total, 0),
      failures: served.reduce((sum, { failures }) => sum + failures, 0), resets: served.reduce((sum, { resets }) => sum + resets, 0),
    };
    for (const server of servers.values()) await server.kill();
  });
  return figures;
}

const answered = (host: MeshHost): Promise<string> =>
  trouble({ cgroup: host.ground.cgroup, netns: host.netns }, ['redis-benchmark', '-h', VIP, '-p', 80, '-k', 0, '-c', 2, '-n', 20, '-t', 'get', '-q']);

/** Clients of one host, a service of the other, no broker for a while, and then one that has forgotten everything. */
/** `leaseMs`: shorter than it is away, because leases must not run meanwhile. */
export async function brokerAway(seconds: number, reassertMs: number, leaseMs: number): Promise<object> {
  const figures = { seconds, whileAway: { runsOfTwenty: 0, failed: 0 }, whenBack: { runsOfTwenty: 0, failed: 0 }, latestError: '', statesWhileAway: [] as string[], wholeAfterMs: 0, reassertMs };
  await withHosts(async (a, b, server) => {
    const service = { name: 'web', addresses: [VIP], port: 80, local: { port: 8080 } };
    await Promise.all([a.start([service]), b.start([service])]);
    const program = redis({ cgroup: b.ground.cgroup, netns: b.netns }, '0.0.0.0', 8080);
    await a.knows(b.address);
    await server.stop();
    const states = new Set<string>(), until = Date.now() + seconds * 1000;
    const run = async (phase: 'whileAway' | 'whenBack'): Promise<void> => {
      const error = await answered(a);
      figures[phase].runsOfTwenty++;
      if (error === '') return;
      figures[phase].failed++;
      figures.latestError = error;
    };
    while (Date.now() < until) {
      await run('whileAway');
      states.add(a.bus().registry?.state ?? 'none');
      await sleep(500);
    }
    figures.statesWhileAway = [...states];
    server.empty();
    await server.start();
    const back = performance.now();
    const whole = new AbortController();
    const waiting = (async () => {
      await eventually(() => ([a, b].every((host) => host.bus().registry?.state === 'synced') ? '' : JSON.stringify([a.bus(), b.bus()])), 120_000);
      await Promise.all([a, b].map((host) => host.knows(b.address)));
      figures.wholeAfterMs = Math.round(performance.now() - back);
      whole.abort();
    })();
    while (!whole.signal.aborted) {
      await run('whenBack');
      await sleep(100);
    }
    await waiting;
    await program.kill();
  }, { 'bus.reassert': `${reassertMs}ms`, 'bus.lease': `${leaseMs}ms` });
  return figures;
}
