// SPDX-License-Identifier: Apache-2.0
/** connect() to a virtual address: what the program sees, over each family, and who is left out. */
import assert from 'node:assert/strict';
import { CONNECT_TIME_BOUNDS } from '../../agent/mesh/types.js';
import '../helpers/kernel-lock.js';
import { eventually } from '../helpers/kernel.js';
import { builds, listed, named, VIP, VIP6, withMesh } from '../helpers/mesh.js';

const six = [{ name: 's1', host: '::1', port: 8080 }];

describe('mesh: connect()', function () {
  this.timeout(60_000);

  it('lb-getpeername-backend: reaches an endpoint, and getpeername() says what was asked for', () => withMesh(async (mesh) => {
    await mesh.endpoints(named(2), []);
    await mesh.serve({ endpoints: listed(named(2)) });
    const client = await mesh.client();
    const { counts, peers, errors } = await client.tell({ do: 'tcp', host: VIP, port: 80, n: 50 });
    assert.deepEqual([Object.keys(counts), peers, errors], [['e1', 'e2'], [[VIP, 80]], {}]);
  }));

  it('lb-v4-v6-share-tailcall: works over IPv6 and v4-mapped, each with endpoints of its own family', () => withMesh(async (mesh) => {
    await mesh.endpoints([...named(1), ...six]);
    await mesh.serve({ addresses: [VIP, VIP6], endpoints: [...listed(named(1)), ...listed(six)] });
    const client = await mesh.client();
    const over = async (host: string): Promise<unknown[]> => {
      const { names, peers } = await client.tell({ do: 'tcp', host, port: 80 });
      return [names, peers];
    };
    assert.deepEqual(await over(VIP), [['e1'], [[VIP, 80]]]);
    assert.deepEqual(await over(VIP6), [['s1'], [[VIP6, 80]]]);
    assert.deepEqual(await over(`::ffff:${VIP}`), [['e1'], [[`::ffff:${VIP}`, 80]]]);
  }));

  it('leaves other addresses alone, and a socket that is used again forgets what it was given', () => withMesh(async (mesh) => {
    await mesh.endpoints(named(2));
    await mesh.serve({ endpoints: listed(named(1)) });
    const client = await mesh.client();
    const direct = await client.tell({ do: 'tcp', host: '127.0.1.2', port: 8080 });
    assert.deepEqual([direct.names, direct.peers], [['e2'], [['127.0.1.2', 8080]]]);
    const { socket } = await client.tell({ do: 'udp_open' });
    await client.tell({ do: 'udp_connect', socket, host: '127.0.1.1', port: 8080 });
    assert.deepEqual((await client.tell({ do: 'peer', socket })).peer, ['127.0.1.1', 8080]);
  }));

  it('refuses at once when nobody is there, and counts it', () => withMesh(async (mesh) => {
    await mesh.serve({ endpoints: [] });
    const client = await mesh.client();
    assert.deepEqual((await client.tell({ do: 'tcp', host: VIP, port: 80, n: 3 })).errors, { ECONNREFUSED: 3 });
    assert.equal(mesh.kernel.services()[0]!.refused.no_endpoint, 3);
  }));

  it('lb-sidecar-bypassed, lb-redirect-loop: cgroups that are left out see the address as it is', () => withMesh(async (mesh) => {
    await mesh.endpoints(named(1));
    await mesh.serve({ endpoints: listed(named(1)) }, { name: 'db', port: 81, endpoints: listed(named(1)) });
    const out = mesh.newCgroup();
    const [inside, outside] = [await mesh.client(), await mesh.client(out)];
    const reached = async (port: number): Promise<boolean[]> =>
      Promise.all([inside, outside].map(async (client) => ((await client.tell({ do: 'tcp', host: VIP, port, timeout: 0.3 })).names).length === 1));
    assert.deepEqual(await reached(80), [true, true]);
    mesh.kernel.setExcepts([{ cgroup: out, service: mesh.balancer.groupsOf('web')[0]!.number }]);
    assert.deepEqual([await reached(80), await reached(81)], [[true, false], [true, true]]);
    mesh.kernel.setExcepts([{ cgroup: out, service: undefined }]);
    assert.deepEqual(await reached(81), [true, false]);
    mesh.kernel.setExcepts([]);
    assert.deepEqual(await reached(80), [true, true]);
  }));

  it('is switched off and on at once', () => withMesh(async (mesh) => {
    await mesh.endpoints(named(1));
    await mesh.serve({ endpoints: listed(named(1)) });
    const client = await mesh.client();
    const reaches = async (): Promise<number> => ((await client.tell({ do: 'tcp', host: VIP, port: 80, timeout: 0.3 })).names).length;
    mesh.kernel.setEnabled(false);
    assert.equal(await reaches(), 0);
    mesh.kernel.setEnabled(true);
    assert.equal(await reaches(), 1);
  }));

  for (const [build, objectPath] of builds) it(`counts connections exactly: under way, open, closed, failed; programs with ${build}`, () => withMesh(async (mesh) => {
    const servers = await mesh.endpoints(named(1));
    await mesh.serve({ endpoints: listed(named(1)), ejection: { failures: 0 } });
    const client = await mesh.client();
    await client.tell({ do: 'tcp', host: VIP, port: 80, n: 200, keep: true });
    assert.deepEqual([mesh.load('127.0.1.1').active, mesh.kernel.services()[0]!.active], [200, 200]);
    await client.tell({ do: 'close', last: 150 });
    // A connection is over when both ends have closed it.
    await eventually(() => (mesh.load('127.0.1.1').active === 50 ? '' : `${mesh.load('127.0.1.1').active} are counted`));
    await client.tell({ do: 'close', first: 150 });
    await servers.tell({ do: 'stop', name: 'e1' });
    assert.deepEqual((await client.tell({ do: 'tcp', host: VIP, port: 80, n: 7 })).errors, { ECONNREFUSED: 7 });
    await eventually(() => {
      const { active, connecting, total, failures } = mesh.load('127.0.1.1');
      const { active: all, connecting: begun } = mesh.kernel.services()[0]!;
      const got = [active, connecting, total, failures, all, begun].join(' ');
      return got === '0 0 200 7 0 0' ? '' : got;
    });
    const { buckets, sumNs } = mesh.kernel.services()[0]!.connectTimes;
    const [count, bound] = [buckets.reduce((sum, one) => sum + one, 0), 200 * CONNECT_TIME_BOUNDS[10]! * 1e9];
    assert.deepEqual([buckets.length, count], [CONNECT_TIME_BOUNDS.length + 1, 200], 'only those that were established');
    assert.ok(sumNs > 200 * 1000 && sumNs < bound, `${sumNs} ns`);
  }, {}, objectPath));

  it('counts a program that is killed as gone', () => withMesh(async (mesh) => {
    await mesh.endpoints(named(1));
    await mesh.serve({ endpoints: listed(named(1)) });
    const client = await mesh.client();
    await client.tell({ do: 'tcp', host: VIP, port: 80, n: 20, keep: true });
    assert.equal(mesh.load('127.0.1.1').active, 20);
    await client.program.kill();
    await eventually(() => { const { active } = mesh.load('127.0.1.1'); return active === 0 ? '' : `${active} are still counted`; });
  }));
});
