// SPDX-License-Identifier: Apache-2.0
/** Datagrams: to an endpoint and back, and never for long to one that has gone. */
import assert from 'node:assert/strict';
import '../helpers/kernel-lock.js';
import { ENDS_SOCKETS, eventually } from '../helpers/kernel.js';
import { withNetns } from '../helpers/pods.js';
import { listed, named, VIP, VIP6, withMesh, type Client, type TestMesh } from '../helpers/mesh.js';
import type { Answer } from '../helpers/mesh.js';

const dns = { name: 'dns', protocol: 'udp', port: 53 };

async function remove(mesh: TestMesh, keep: object[]): Promise<void> {
  await mesh.serve({ ...dns, endpoints: keep });
}

async function connected(client: Client, host = VIP): Promise<number> {
  const { socket } = await client.tell({ do: 'udp_open', host });
  assert.deepEqual((await client.tell({ do: 'udp_connect', socket, host, port: 53 })).peer, [host, 53]);
  return socket;
}

/** Sends until it fails; resolves to the error. */
const fails = (client: Client, socket: number): Promise<void> => eventually(async () => {
  const { error } = await client.tell({ do: 'udp_talk', socket, timeout: 0.2 });
  return error === 'ECONNABORTED' || error === 'EDESTADDRREQ' ? '' : `the socket lives on: ${error}`;
}, 1500);

describe('mesh: datagrams', function () {
  this.timeout(60_000);

  it('lb-reverse-nat-on-direct-traffic: answers come from the address that was asked, and only those', () => withMesh(async (mesh) => {
    await mesh.endpoints([], named(2));
    await mesh.serve({ ...dns, endpoints: listed(named(1)) });
    const client = await mesh.client();
    const { socket } = await client.tell({ do: 'udp_open', bind: ['0.0.0.0', 0] });
    const ask = (host: string, port: number): Promise<Answer> => client.tell({ do: 'udp_talk', socket, host, port });
    assert.deepEqual((await ask(VIP, 53)).senders, [[VIP, 53]]);
    assert.deepEqual((await ask('127.0.1.1', 8080)).senders, [['127.0.1.1', 8080]]);
    assert.deepEqual((await ask('127.0.1.2', 8080)).senders, [['127.0.1.2', 8080]]);
    assert.deepEqual((await ask(VIP, 53)).senders, [[VIP, 53]]);
  }));

  it('works connected, over IPv6 and v4-mapped', () => withMesh(async (mesh) => {
    await mesh.endpoints([], [...named(1), { name: 's1', host: '::1', port: 8080 }]);
    await mesh.serve({ ...dns, addresses: [VIP, VIP6], endpoints: [...listed(named(1)), { address: '::1', port: 8080 }] });
    const client = await mesh.client();
    const over = async (socket: number, to: object = {}): Promise<unknown[]> => {
      const { names, senders, error } = await client.tell({ do: 'udp_talk', socket, ...to });
      return [names, senders, error];
    };
    assert.deepEqual(await over(await connected(client)), [['e1'], [[VIP, 53]], '']);
    assert.deepEqual(await over(await connected(client, VIP6)), [['s1'], [[VIP6, 53]], '']);
    const { socket } = await client.tell({ do: 'udp_open', v6: true });
    assert.deepEqual(await over(socket, { host: `::ffff:${VIP}`, port: 53 }), [['e1'], [[`::ffff:${VIP}`, 53]], '']);
    assert.deepEqual(await over(socket, { host: VIP6, port: 53 }), [['s1'], [[VIP6, 53]], '']);
  }));

  it('a socket keeps its endpoint, and different ones spread', () => withMesh(async (mesh) => {
    await mesh.endpoints([], named(4));
    await mesh.serve({ ...dns, policy: 'round-robin', endpoints: listed(named(4)) });
    const client = await mesh.client();
    const seen = new Set<string>();
    for (let number = 0; number < 8; number++) {
      const { socket } = await client.tell({ do: 'udp_open' });
      const names = new Set((await client.tell({ do: 'udp_talk', socket, host: VIP, port: 53, n: 5 })).names);
      assert.equal(names.size, 1);
      seen.add([...names][0]!);
    }
    assert.equal(seen.size, 4);
  }));

  if (ENDS_SOCKETS) {
    it('lb-connected-udp-dead-backend: a connected socket whose endpoint is removed is ended within a second', () => withMesh(async (mesh) => {
      await mesh.endpoints([], named(2));
      await mesh.serve({ ...dns, policy: 'round-robin', endpoints: listed(named(2)) });
      const client = await mesh.client();
      const [a, b] = [await connected(client), await connected(client)];
      const home = (await client.tell({ do: 'udp_talk', socket: a })).names;
      const other = named(2).filter(({ name }) => name !== home[0]);
      await remove(mesh, listed(other));
      await fails(client, a);
      assert.equal((await client.tell({ do: 'udp_talk', socket: b })).error, '');
    }));

    it('lb-cleanup-misses-old-sockets: also when many came and went since', () => withMesh(async (mesh) => {
      await mesh.endpoints([], named(2));
      await mesh.serve({ ...dns, endpoints: listed(named(1)) });
      const client = await mesh.client();
      const old = await connected(client);
      for (let number = 0; number < 300; number++) await client.tell({ do: 'udp_talk', socket: await connected(client), answer: false });
      await client.tell({ do: 'close', first: 1 });
      await remove(mesh, listed(named(1, 2)));
      await fails(client, old);
    }));

    it('lb-destroy-only-own-netns: also in another network namespace', () => withNetns((elsewhere) => withMesh(async (mesh) => {
      await mesh.serve({ ...dns, endpoints: listed(named(1)) });
      const client = await mesh.client(undefined, elsewhere);
      const socket = await connected(client);
      await remove(mesh, []);
      await fails(client, socket);
    })));

    it('lb-local-redirect-stale: also when the endpoint is only said to be down', () => withMesh(async (mesh) => {
      await mesh.endpoints([], named(2));
      await mesh.serve({ ...dns, endpoints: listed(named(2)) });
      const client = await mesh.client();
      const socket = await connected(client);
      const [name] = (await client.tell({ do: 'udp_talk', socket })).names;
      const group = mesh.balancer.groupsOf('dns')[0]!;
      const member = [...group.members.values()].find(({ address }) => address === named(2).find((one) => one.name === name)!.host)!;
      mesh.balancer.check(group, member, false);
      await fails(client, socket);
    }));
  }

  it('lb-oneway-udp-blackhole: who only sends to the virtual address reaches a living endpoint', () => withMesh(async (mesh) => {
    await mesh.endpoints([], named(2));
    await mesh.serve({ ...dns, endpoints: listed(named(1)) });
    const client = await mesh.client();
    const { socket } = await client.tell({ do: 'udp_open' });
    await client.tell({ do: 'udp_talk', socket, host: VIP, port: 53, answer: false });
    await remove(mesh, listed(named(1, 2)));
    await client.tell({ do: 'udp_talk', socket, host: VIP, port: 53, answer: false });
    // The first question was answered by e1 before it went; the second one is answered by e2.
    const { names } = await client.tell({ do: 'udp_talk', socket, host: VIP, port: 53, n: 2 });
    assert.ok((names).includes('e2'));
  }));

  it('draining keeps a connected socket going', () => withMesh(async (mesh) => {
    await mesh.endpoints([], named(2));
    await mesh.serve({ ...dns, endpoints: listed(named(2)) });
    const client = await mesh.client();
    const socket = await connected(client);
    for (const { host } of named(2)) mesh.balancer.override('dns', host, 8080, { draining: true });
    await mesh.balancer.settled();
    await mesh.kernel.endDead();
    assert.equal((await client.tell({ do: 'udp_talk', socket })).error, '');
  }));

  it('lb-udp-twins: two sockets of one local address are not given the same endpoint', () => withMesh(async (mesh) => {
    await mesh.endpoints([], named(1));
    await mesh.serve({ ...dns, endpoints: listed(named(1)) }, { name: 'other', protocol: 'udp', port: 54, endpoints: listed(named(1)) });
    const client = await mesh.client();
    const open = async (): Promise<number> => (await client.tell({ do: 'udp_open', bind: ['127.0.0.1', 4444], reuse: true })).socket;
    const [first, second] = [await open(), await open()];
    assert.deepEqual((await client.tell({ do: 'udp_connect', socket: first, host: VIP, port: 53 })).peer, [VIP, 53]);
    assert.equal((await client.tell({ do: 'udp_connect', socket: second, host: VIP, port: 54 })).error, 'EADDRINUSE');
    assert.deepEqual((await client.tell({ do: 'udp_talk', socket: first })).names, ['e1']);
    assert.equal(mesh.kernel.services().reduce((sum, { refused }) => sum + refused.twin, 0), 1);
  }));
});
