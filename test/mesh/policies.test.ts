// SPDX-License-Identifier: Apache-2.0
/** The policies, on real connections. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import '../helpers/kernel-lock.js';
import { eventually } from '../helpers/kernel.js';
import { listed, named, VIP, withMesh, type Client, type TestMesh } from '../helpers/mesh.js';

type Counts = Record<string, number>;

async function counts(client: Client, n: number, more: object = {}): Promise<Counts> {
  const report = await client.tell({ do: 'tcp', host: VIP, port: 80, n, ...more });
  assert.deepEqual(report.errors, {});
  return report.counts;
}

async function between(service: object, count: number, n: number, test: (counts: Counts, mesh: TestMesh, client: Client) => Promise<void> | void, each?: (index: number) => object): Promise<void> {
  await withMesh(async (mesh) => {
    await mesh.endpoints(named(count));
    await mesh.serve({ endpoints: listed(named(count), each), ...service });
    const client = await mesh.client();
    await test(n === 0 ? {} : await counts(client, n), mesh, client);
  });
}

/** Within this many standard deviations of a fair draw: a fair one fails once in some millions of runs. */
const sigmas = 5.5;
function assertShare(got: number | undefined, n: number, share: number): void {
  const deviation = Math.sqrt(n * share * (1 - share));
  assert.ok(Math.abs((got ?? 0) - n * share) <= sigmas * deviation, `${got ?? 0} of ${n}, expected a share of ${share}`);
}

describe('mesh: policies', function () {
  this.timeout(90_000);

  it('random gives each its weight', () => between({ policy: 'random' }, 3, 1000, (got) => {
    assertShare(got['e1'], 1000, 0.1);
    assertShare(got['e2'], 1000, 0.3);
    assertShare(got['e3'], 1000, 0.6);
  }, (index) => ({ weight: [100, 300, 600][index] })));

  it('round robin gives each its turn', () => between({ policy: 'round-robin' }, 4, 400, (got) => {
    assert.deepEqual(got, { e1: 100, e2: 100, e3: 100, e4: 100 });
  }));

  it('round robin follows weights exactly', () => between({ policy: 'round-robin' }, 2, 400, (got) => {
    assert.deepEqual(got, { e1: 300, e2: 100 });
  }, (index) => ({ weight: index === 0 ? 300 : 100 })));

  it('least connections fills up who has fewest, counting what is closed', () => between({ policy: 'least-connections' }, 3, 0, async (_, mesh, client) => {
    assert.deepEqual(await counts(client, 30, { keep: true }), { e1: 10, e2: 10, e3: 10 });
    const first = (await client.tell({ do: 'tcp', host: VIP, port: 80, n: 6, keep: true })).names;
    assert.equal(new Set(first).size, 3);
    // Everything but the last six is closed: the next ones go on evenly from there.
    await client.tell({ do: 'close', last: 30 });
    await eventually(() => { const { active } = mesh.kernel.services()[0]!; return active === 6 ? '' : `${active} are counted`; });
    assert.deepEqual(await counts(client, 30, { keep: true }), { e1: 10, e2: 10, e3: 10 });
  }));

  it('least connections weighs', () => between({ policy: 'least-connections' }, 2, 0, async (_, _mesh, client) => {
    const got = await counts(client, 80, { keep: true });
    assert.ok(Math.abs((got['e1'] ?? 0) - 60) <= 1, JSON.stringify(got));
  }, (index) => ({ weight: index === 0 ? 300 : 100 })));

  it('peak-EWMA goes round who was slow to connect', () => between({ policy: 'peak-ewma' }, 2, 40, async (_, mesh, client) => {
    const rule = ['-d', '127.0.1.1', '-p', 'tcp', '--syn', '-j', 'DROP'];
    const filter = (...words: string[]): string => execFileSync('nsenter', [`--net=/run/netns/${mesh.netns}`, 'iptables', ...words], { encoding: 'utf8' });
    // The first SYN is lost: whoever gets e1 waits a second for the next one.
    filter('-A', 'INPUT', ...rule);
    const slow = client.tell({ do: 'tcp', host: VIP, port: 80, n: 40 });
    await eventually(() => (/^ *[1-9]\d* .* DROP /m.test(filter('-nvxL', 'INPUT')) ? '' : 'no SYN was dropped'));
    filter('-D', 'INPUT', ...rule);
    await slow;
    assert.ok(mesh.load('127.0.1.1').costMs > 500, `it cost ${mesh.load('127.0.1.1').costMs} ms`);
    assert.deepEqual(await counts(client, 40), { e2: 40 });
  }));

  it('Maglev sends a client to the same endpoint, here and after others came', () => between({ policy: 'maglev', affinity: { by: 'workload' } }, 8, 0, async (_, mesh) => {
    const homes = new Map<Client, string>();
    for (let number = 0; number < 6; number++) {
      const client = await mesh.client(mesh.newCgroup());
      const got = Object.keys(await counts(client, 10));
      assert.equal(got.length, 1);
      homes.set(client, got[0]!);
    }
    assert.ok(new Set(homes.values()).size > 1);
    await mesh.serve({ policy: 'maglev', affinity: { by: 'workload' }, endpoints: listed(named(7)) });
    let stayed = 0;
    for (const [client, home] of homes) stayed += home === 'e8' || (await counts(client, 5))[home] === 5 ? 1 : 0;
    // A few places of the table change hands.
    assert.ok(stayed >= 4, `${stayed} of 6 stayed`);
  }));

  it('affinity keeps a workload at its endpoint until the time is over, or the endpoint goes', () => between({ affinity: { by: 'workload', timeout: '1s' } }, 4, 0, async (_, mesh) => {
    const clients = await Promise.all([1, 2, 3].map(() => mesh.client(mesh.newCgroup())));
    const homes = await Promise.all(clients.map(async (client) => Object.keys(await counts(client, 20))));
    assert.deepEqual(homes.map(({ length }) => length), [1, 1, 1]);
    assert.ok(mesh.kernel.services()[0]!.kept >= 57);
    mesh.balancer.override('web', named(4).find(({ name }) => name === homes[0]![0])!.host, 8080, { draining: true });
    await mesh.balancer.settled();
    const [moved] = Object.keys(await counts(clients[0]!, 20));
    assert.notEqual(moved, homes[0]![0]);
  }));

  it('affinity by address keeps a network namespace together', () => between({ affinity: { by: 'address' } }, 6, 0, async (_, mesh) => {
    const [a, b] = [await mesh.client(mesh.newCgroup()), await mesh.client(mesh.newCgroup())];
    assert.deepEqual(Object.keys(await counts(a, 10)), Object.keys(await counts(b, 10)));
  }));

  it('prefers this host, then its zone, up to the bound', () => between({ policy: 'least-connections', locality: { prefer: 'host', maxSkew: 2 } }, 4, 0, async (_, mesh, client) => {
    assert.deepEqual(await counts(client, 1), { e1: 1 });
    const got = await counts(client, 40, { keep: true });
    // A quarter is fair; twice as much is the bound, for the host's own endpoint and then for that of the zone.
    assert.ok(Math.abs((got['e1'] ?? 0) - 20) <= 2, JSON.stringify(got));
    const { picks } = mesh.kernel.services()[0]!;
    assert.ok(picks.host > 0 && picks.zone > 0, JSON.stringify(picks));
  }, (index) => [{ host: 'here', zone: 'z1' }, { host: 'there', zone: 'z1' }, { host: 'far', zone: 'z2' }, { host: 'far', zone: 'z2' }][index]!));

  it('without a bound all go to this host while it can', () => between({ locality: { prefer: 'host' } }, 3, 60, async (got, mesh, client) => {
    assert.deepEqual(got, { e1: 60 });
    mesh.balancer.override('web', '127.0.1.1', 8080, { draining: true });
    await mesh.balancer.settled();
    assert.deepEqual(Object.keys(await counts(client, 60)), ['e2', 'e3']);
  }, (index) => ({ host: index === 0 ? 'here' : 'far' })));

  it('a split follows its shares, and is changed live', () => between({ split: { v1: 90, v2: 10 } }, 3, 1000, async (got, mesh, client) => {
    assertShare(got['e3'], 1000, 0.1);
    mesh.balancer.split('web', { v2: 1 });
    await mesh.balancer.settled();
    assert.deepEqual(await counts(client, 100), { e3: 100 });
  }, (index) => ({ version: index === 2 ? 'v2' : 'v1' })));

  it('the circuit breaker refuses at once what is over the limit, and counts it', () => withMesh(async (mesh) => {
    await mesh.endpoints(named(2));
    await mesh.serve({ endpoints: listed(named(2)), maxConnections: 10 });
    const client = await mesh.client();
    const report = await client.tell({ do: 'tcp', host: VIP, port: 80, n: 15, keep: true });
    assert.deepEqual(report.errors, { ECONNREFUSED: 5 });
    assert.equal(mesh.kernel.services()[0]!.refused.connections, 5);
    await client.tell({ do: 'close', last: 3 });
    await eventually(() => (mesh.kernel.services()[0]!.active === 7 ? '' : 'connections are still counted'));
    const again = await counts(client, 3, { keep: true });
    assert.equal(Object.values(again).reduce((sum, count) => sum + count, 0), 3);
  }));

  it('an endpoint that refuses is ejected after some failures, and tried again after its time', () => withMesh(async (mesh) => {
    const servers = await mesh.endpoints(named(3));
    await mesh.serve({ policy: 'round-robin', endpoints: listed(named(3)), ejection: { failures: 3, time: '1s' } });
    const client = await mesh.client();
    await servers.tell({ do: 'stop', name: 'e2' });
    const { errors } = await client.tell({ do: 'tcp', host: VIP, port: 80, n: 60 });
    assert.deepEqual(errors, { ECONNREFUSED: 3 });
    assert.ok(mesh.load('127.0.1.2').ejectedMs > 0);
    await servers.tell({ do: 'start', name: 'e2' });
    await eventually(() => (mesh.load('127.0.1.2').ejectedMs === 0 ? '' : 'it is still ejected'));
    assert.ok(((await counts(client, 30))['e2'] ?? 0) >= 9);
  }));

  it('an endpoint that takes connections and resets them is ejected too; one that resets some is not', () => withMesh(async (mesh) => {
    const servers = await mesh.endpoints(named(3));
    await mesh.serve({ policy: 'round-robin', endpoints: listed(named(3)), ejection: { resets: 4, time: '1m' } });
    const client = await mesh.client();
    const ask = { do: 'tcp', host: VIP, port: 80, say: '?' };
    // Three times three: never four in a row, as it is well in between.
    for (let turn = 0; turn < 3; turn++) {
      await servers.tell({ do: 'reset', name: 'e2' });
      assert.deepEqual((await client.tell({ ...ask, n: 9 })).errors, { ECONNRESET: 3 });
      await servers.tell({ do: 'reset', name: 'e2' });
      assert.deepEqual((await client.tell({ ...ask, n: 3 })).errors, {});
      await eventually(() => { const { active } = mesh.kernel.services()[0]!; return active === 0 ? '' : `${active} are open`; });
    }
    assert.deepEqual([mesh.load('127.0.1.2').ejectedMs, mesh.load('127.0.1.2').resets], [0, 9]);
    await servers.tell({ do: 'reset', name: 'e2' });
    const { errors } = await client.tell({ ...ask, n: 60 });
    assert.deepEqual(errors, { ECONNRESET: 4 });
    assert.ok(mesh.load('127.0.1.2').ejectedMs > 0);
  }));

  it('never ejects more than half', () => withMesh(async (mesh) => {
    await mesh.serve({ endpoints: listed(named(4)), ejection: { failures: 1, time: '10s' } });
    const client = await mesh.client();
    await client.tell({ do: 'tcp', host: VIP, port: 80, n: 60 });
    const ejected = named(4).filter(({ host }) => mesh.load(host).ejectedMs > 0).length;
    assert.equal(ejected, 2);
  }));

  it('a new endpoint gets its share slowly', () => withMesh(async (mesh) => {
    await mesh.endpoints(named(2));
    const service = { slowStart: '20s' };
    await mesh.serve({ ...service, endpoints: listed(named(1)) });
    await mesh.serve({ ...service, endpoints: listed(named(2)) });
    const client = await mesh.client();
    const got = await counts(client, 400);
    assert.ok((got['e2'] ?? 0) > 0 && (got['e2'] ?? 0) < 120, JSON.stringify(got));
  }));

  it('draining ends no connection and takes no new one', () => between({}, 2, 0, async (_, mesh, client) => {
    await counts(client, 40, { keep: true });
    const before = mesh.load('127.0.1.1').active;
    mesh.balancer.override('web', '127.0.1.1', 8080, { draining: true });
    await mesh.balancer.settled();
    assert.deepEqual(await counts(client, 40), { e2: 40 });
    assert.equal(mesh.load('127.0.1.1').active, before);
  }));
});
