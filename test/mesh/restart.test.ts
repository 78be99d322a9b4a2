// SPDX-License-Identifier: Apache-2.0
/** An agent that dies, and the one that comes after it; hooks that somebody else holds. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import '../helpers/kernel-lock.js';
import { eventually } from '../helpers/kernel.js';
import { listed, named, TestMesh, VIP, withMesh } from '../helpers/mesh.js';
import { withNetns } from '../helpers/pods.js';
import { packageRoot } from '../helpers/root.js';

describe('mesh: restart', function () {
  this.timeout(60_000);

  it('goes on without an agent, and the next one takes over with all counts', () => withMesh(async (mesh) => {
    await mesh.endpoints(named(2));
    await mesh.serve({ endpoints: listed(named(2)) });
    const client = await mesh.client();
    await client.tell({ do: 'tcp', host: VIP, port: 80, n: 20, keep: true });
    const before = mesh.numberOf('127.0.1.1');
    mesh.kernel.close();
    assert.equal((await client.tell({ do: 'tcp', host: VIP, port: 80, n: 4, keep: true })).names.length, 4);
    mesh.open();
    assert.equal(mesh.kernel.info().tookOver, true);
    await mesh.serve({ endpoints: listed(named(2)) });
    assert.equal(mesh.numberOf('127.0.1.1'), before);
    assert.equal(mesh.kernel.services()[0]!.active, 24);
    assert.equal(mesh.load('127.0.1.1').active + mesh.load('127.0.1.2').active, 24);
    await client.tell({ do: 'close' });
    await eventually(() => (mesh.kernel.services()[0]!.active === 0 ? '' : 'connections from before are still counted'));
  }));

  it('lb-stale-after-restart: what no source knows any more goes when all have spoken, and not before', () => withMesh(async (mesh) => {
    await mesh.endpoints(named(2));
    await mesh.serve({ endpoints: listed(named(2)) }, { name: 'old', port: 81, endpoints: listed(named(1)) });
    const client = await mesh.client();
    mesh.kernel.close();
    for (const key of mesh.store.services().flatMap((service) => [...mesh.store.keysOf(service)])) mesh.store.remove(key);
    mesh.services = [];
    mesh.open();
    assert.equal(mesh.kernel.found().endpoints.length, 3);
    assert.equal((await client.tell({ do: 'tcp', host: VIP, port: 80, n: 4 })).names.length, 4, 'the old table serves on');
    await mesh.serve({ endpoints: listed(named(1)) });
    mesh.balancer.dropStrangers();
    await mesh.balancer.settled();
    assert.deepEqual(mesh.kernel.found().endpoints.map(({ address }) => address), ['127.0.1.1']);
    assert.deepEqual(mesh.kernel.found().vips.map(({ port }) => port), [80]);
    assert.deepEqual((await client.tell({ do: 'tcp', host: VIP, port: 80, n: 20 })).counts, { e1: 20 });
  }));

  it('connections outlive the programs: their packets never carried another address', () => withNetns(async (netns) => {
    const mesh = new TestMesh(netns);
    try {
      await mesh.endpoints([], named(1));
      await mesh.serve({ protocol: 'udp', endpoints: listed(named(1)) });
      const client = await mesh.client();
      const { socket } = await client.tell({ do: 'udp_open' });
      await client.tell({ do: 'udp_connect', socket, host: VIP, port: 80 });
      mesh.kernel.uninstall();
      assert.deepEqual((await client.tell({ do: 'udp_talk', socket })).names, ['e1']);
      mesh.open();
    } finally {
      await mesh.clean();
    }
  }));

  it('lb-optional-hook-made-mandatory: without getpeername connections are balanced all the same, and it is said', () => withNetns(async (netns) => {
    const mesh = new TestMesh(netns);
    try {
      mesh.kernel.uninstall();
      // Somebody who attaches without leave for others holds the hook alone.
      const pin = join(mesh.config.bpf.pinPath, 'other');
      execFileSync('bpftool', ['prog', 'loadall', join(packageRoot(), 'bpf/build/mesh.bpf.o'), pin], { stdio: 'ignore' });
      execFileSync('bpftool', ['cgroup', 'attach', mesh.cgroup, 'getpeername4', 'pinned', join(pin, 'sidestep_getpeername4')]);
      mesh.open();
      assert.match(mesh.kernel.info().missing.join(), /getpeername4.*held by sidestep_getpee/);
      await mesh.endpoints(named(1));
      await mesh.serve({ endpoints: listed(named(1)) });
      const client = await mesh.client();
      const { names, peers } = await client.tell({ do: 'tcp', host: VIP, port: 80 });
      assert.deepEqual([names, peers], [['e1'], [['127.0.1.1', 8080]]]);
    } finally {
      await mesh.clean();
    }
  }));

  it('lb-endpoint-count-lost: a service that comes and goes many times has its endpoints each time', () => withMesh(async (mesh) => {
    await mesh.endpoints(named(1));
    const client = await mesh.client();
    for (let turn = 0; turn < 100; turn++) {
      await mesh.serve({ endpoints: listed(named(1)) });
      await mesh.serve({ name: 'other', port: 81 });
    }
    await mesh.serve({ endpoints: listed(named(1)) });
    assert.deepEqual((await client.tell({ do: 'tcp', host: VIP, port: 80, n: 3 })).counts, { e1: 3 });
    assert.equal(mesh.kernel.found().endpoints.length, 1);
  }));
});
