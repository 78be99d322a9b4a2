import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, it } from 'mocha';
import { FakeMeshKernel } from '../../../agent/mesh/fake.js';
import { mergeServices } from '../../../agent/mesh/merge.js';
import { ApiServer } from '../../helpers/api-server.js';
import { folder } from '../../helpers/folder.js';
import { kubeMesh, type KubeMesh, type KubeOptions } from '../../helpers/kube-mesh.js';
import { eventually } from '../../helpers/kernel.js';
import { serviceOf as configured } from '../mesh/records.js';
import { endpointOf, podOf, PODS, serviceOf, SERVICES, sliceOf, SLICES, uidOf } from './objects.js';

const pace = { firstMs: 10, slowestMs: 40, watchMs: 60_000, compareMs: 3_600_000, holdMs: 30_000, page: 500 };

describe('Kubernetes and the mesh', () => {
  const stops: (() => Promise<void>)[] = [];
  afterEach(async () => { for (const stop of stops.splice(0).reverse()) await stop(); });

  async function serverOf(fill: (server: ApiServer) => void = () => undefined): Promise<{ server: ApiServer; url: string }> {
    const server = new ApiServer();
    const url = await server.start();
    fill(server);
    stops.push(() => server.stop());
    return { server, url };
  }

  async function started(url: string, over: Partial<KubeOptions> = {}): Promise<KubeMesh> {
    const kube = await kubeMesh({ pace, ...over, flags: { 'kubernetes.apiServer': url, ...over.flags } });
    stops.push(() => kube.stop());
    return kube;
  }

  const serves = (kube: KubeMesh, ...wanted: string[]): Promise<void> =>
    eventually(() => (JSON.stringify(kube.serves()) === JSON.stringify(wanted) ? '' : `serves ${JSON.stringify(kube.serves())}, wanted ${JSON.stringify(wanted)}`));
  const web = (server: ApiServer): void => {
    server.put(PODS, podOf('any'));
    server.put(SERVICES, serviceOf('web'));
    server.put(SLICES, sliceOf('web-x', 'web', [endpointOf('10.244.1.1'), endpointOf('10.244.1.2')]));
  };
  const vip = '10.96.0.10:80/tcp';

  it('a service with the annotation is balanced with its endpoints, another is not, and both are followed', async () => {
    const { server, url } = await serverOf((one) => { web(one); one.put(SERVICES, serviceOf('other', { annotations: {}, spec: { clusterIPs: ['10.96.0.11'] } })); });
    const kube = await started(url);
    await serves(kube, `${vip} 10.244.1.1:8080,10.244.1.2:8080`);
    assert.equal(kube.mesh.services()[0]!.name, 'shop/web:http');
    server.put(SLICES, sliceOf('web-x', 'web', [endpointOf('10.244.1.1'), endpointOf('10.244.1.2', { ready: false, serving: true, terminating: true })]));
    await serves(kube, `${vip} 10.244.1.1:8080`);
    assert.equal(kube.mesh.services()[0]!.draining, 1);
    server.put(SERVICES, serviceOf('web', { annotations: {} }));
    await serves(kube);
    assert.ok(kube.kernel.calls.includes('uninstall'), 'without services there is nothing in the kernel');
  });

  it('a node without pods is probably another name', async () => {
    const { server, url } = await serverOf();
    const kube = await started(url);
    await eventually(() => (kube.kubernetes.problems().join() === 'no pod runs on node node-a; is that its name in Kubernetes (kubernetes.node)?' ? '' : `problems: ${kube.kubernetes.problems().join()}`));
    server.put(PODS, podOf('web-1'));
    await eventually(() => kube.kubernetes.problems().join());
  });

  it('without a service that asks for it nobody reads the slices of the cluster', async () => {
    const { server, url } = await serverOf((one) => { one.put(SERVICES, serviceOf('other', { annotations: {} })); });
    const kube = await started(url);
    await eventually(() => (kube.kubernetes.notReady() === '' ? '' : kube.kubernetes.notReady()));
    assert.equal(server.lists(SLICES), 0);
    web(server);
    await serves(kube, `${vip} 10.244.1.1:8080,10.244.1.2:8080`);
  });

  it('is not ready before it has read everything, and refuses nobody meanwhile', async () => {
    const { server, url } = await serverOf((one) => { web(one); one.mute = true; });
    server.broken = 503;
    const kube = await started(url);
    assert.match(kube.kubernetes.notReady(), /pods of Kubernetes have not been read/);
    assert.deepEqual(kube.serves(), []);
    server.broken = undefined;
    await serves(kube, `${vip} 10.244.1.1:8080,10.244.1.2:8080`);
    assert.equal(kube.kubernetes.notReady(), '');
  });

  it('while the API server is away everything goes on, and status says since when', async () => {
    const { server, url } = await serverOf(web);
    const kube = await started(url);
    await serves(kube, `${vip} 10.244.1.1:8080,10.244.1.2:8080`);
    const before = kube.kernel.calls.length;
    server.broken = 500;
    server.endWatches(false);
    await eventually(() => (kube.kubernetes.problems().filter((one) => one.includes('500 broken')).length === 3 ? '' : `problems: ${kube.kubernetes.problems().join('; ')}`));
    assert.match(kube.kubernetes.problems()[0]!, /^the pods of Kubernetes are as of \d+ s ago, and kept: 500 broken$/);
    await serves(kube, `${vip} 10.244.1.1:8080,10.244.1.2:8080`);
    assert.equal(kube.kubernetes.notReady(), '', 'an agent that was ready stays so');
    server.broken = undefined;
    await eventually(() => kube.kubernetes.problems().join('; '));
    await serves(kube, `${vip} 10.244.1.1:8080,10.244.1.2:8080`);
    assert.deepEqual(kube.kernel.calls.slice(before), [], 'the kernel heard nothing of it');
  });

  it('what an earlier agent left serves on while the API server is away, then keeps its numbers (lb-stale-after-restart)', async () => {
    const { server, url } = await serverOf(web);
    server.broken = 503;
    const kernel = new FakeMeshKernel();
    kernel.before = {
      vips: [{ address: '10.96.0.10', port: 80, protocol: 'tcp', service: 7 }, { address: '10.96.0.99', port: 1, protocol: 'tcp', service: 8 }],
      endpoints: [
        { number: 41, service: 7, address: '10.244.1.1', port: 8080, weight: 100, state: 'up', age: undefined },
        { number: 42, service: 7, address: '10.244.9.9', port: 8080, weight: 100, state: 'up', age: undefined },
      ],
    };
    kernel.putVips(kernel.before.vips);
    kernel.putEndpoints(kernel.before.endpoints);
    const runDir = folder();
    mkdirSync(join(runDir, 'pins/mesh/current'), { recursive: true });
    const kube = await started(url, { kernel, runDir });
    await new Promise((resolve) => { setTimeout(resolve, 150); });
    assert.deepEqual([[...kernel.vips.keys()].length, kernel.endpoints.size, kernel.calls.includes('uninstall')], [2, 2, false]);
    server.broken = undefined;
    await serves(kube, `${vip} 10.244.1.1:8080,10.244.1.2:8080`);
    assert.equal(kernel.vips.get(vip)!.service, 7);
    assert.equal([...kernel.endpoints.values()].find(({ address }) => address === '10.244.1.1')!.number, 41);
    await eventually(() => (kernel.endpoints.has(42) ? 'the endpoint that nobody knows is still there' : ''));
  });

  it('a service may come and go a hundred times, its endpoints before or after it (lb-endpoint-count-lost)', async () => {
    const { server, url } = await serverOf(web);
    const kube = await started(url);
    await serves(kube, `${vip} 10.244.1.1:8080,10.244.1.2:8080`);
    for (let turn = 0; turn < 100; turn++) {
      const [first, second] = turn % 2 === 0 ? [SERVICES, SLICES] : [SLICES, SERVICES];
      for (const path of [first, second]) server.remove(path, 'shop', path === SERVICES ? 'web' : 'web-x');
      if (turn % 10 === 0) await serves(kube);
      for (const path of [second, first]) {
        if (path === SERVICES) server.put(SERVICES, serviceOf('web'));
        else server.put(SLICES, sliceOf('web-x', 'web', [endpointOf('10.244.1.1'), endpointOf('10.244.1.2')]));
      }
    }
    await serves(kube, `${vip} 10.244.1.1:8080,10.244.1.2:8080`);
    assert.equal(kube.mesh.store.size, 2);
    assert.equal(kube.mesh.services()[0]!.endpoints, 2);
  });

  it('one changed endpoint among 10,000 is one write', async () => {
    const { server, url } = await serverOf((one) => {
      for (let id = 0; id < 100; id++) {
        one.put(SERVICES, serviceOf(`s${id}`, { spec: { clusterIPs: [`10.97.0.${id}`] } }));
        one.put(SLICES, sliceOf(`s${id}-x`, `s${id}`, Array.from({ length: 100 }, (_, index) => endpointOf(`10.${id}.0.${index}`))));
      }
    });
    const kube = await started(url);
    await eventually(() => (kube.mesh.store.size === 10_000 ? '' : `${kube.mesh.store.size}`), 10_000);
    await kube.mesh.settled();
    const before = kube.kernel.calls.length;
    server.put(SLICES, sliceOf('s7-x', 's7', Array.from({ length: 99 }, (_, index) => endpointOf(`10.7.0.${index}`))));
    await eventually(() => (kube.mesh.store.size === 9999 ? '' : `${kube.mesh.store.size}`));
    await kube.mesh.settled();
    const calls = kube.kernel.calls.slice(before);
    assert.deepEqual(calls.map((call) => call.split(' ')[0]), ['remove', 'swap']);
    assert.equal(calls[1]!.split(' ').length, 2, 'one table');
  });

  describe('pods that ask to be left alone', () => {
    const rules = ({ scope }: KubeMesh): string[] => scope.rules().map(({ text, origin }) => `${text} (${origin})`);
    const alone = { annotations: { 'sidestep.io/accelerate': 'disabled' } };
    const excluded = 'cgroup:/kubepods/burstable/pod11111111-2222-3333-4444-000000000001 (annotation sidestep.io/accelerate: disabled of pod shop/web-1)';

    function cgroups(...numbers: number[]): string {
      const root = folder();
      for (const number of numbers) mkdirSync(join(root, 'kubepods/burstable', `pod${uidOf(number)}`, 'c'), { recursive: true });
      return root;
    }

    it('are excluded by their cgroup, named by who decided, until the annotation or the pod has gone', async () => {
      const { server, url } = await serverOf((one) => { one.put(PODS, podOf('web-1', alone)); one.put(PODS, podOf('web-2', { uid: uidOf(2) })); });
      const kube = await started(url, { cgroupRoot: cgroups(1, 2) });
      await eventually(() => (rules(kube).join() === excluded ? '' : `rules: ${rules(kube).join()}`));
      assert.equal(kube.datapath.calls.filter((call) => call.startsWith('scope')).length, 1);
      assert.equal(kube.kubernetes.view().optOuts, 1);
      assert.deepEqual(kube.kubernetes.pods().map(({ name, cgroup, leftAlone }) => [name, cgroup.slice(0, 23), leftAlone]),
        [['web-1', '/kubepods/burstable/pod', ['sidestep.io/accelerate: disabled']], ['web-2', '/kubepods/burstable/pod', []]]);
      server.put(PODS, podOf('web-1'));
      await eventually(() => rules(kube).join());
      server.put(PODS, podOf('web-1', alone));
      await eventually(() => (rules(kube).length === 1 ? '' : 'not excluded'));
      server.remove(PODS, 'shop', 'web-1');
      await eventually(() => rules(kube).join());
    });

    it('on some ports are excluded on these', async () => {
      const { url } = await serverOf((one) => { one.put(PODS, podOf('web-1', { annotations: { 'sidestep.io/exclude-ports': '6379,8000-8099' } })); });
      const kube = await started(url, { cgroupRoot: cgroups(1) });
      await eventually(() => (rules(kube).length === 2 ? '' : `rules: ${rules(kube).join()}`));
      assert.match(rules(kube)[1]!, / port:8000-8099 \(annotation sidestep\.io\/exclude-ports: 6379,8000-8099 of pod shop\/web-1\)$/);
    });

    it('are excluded when their cgroup comes after them', async () => {
      const { url } = await serverOf((one) => { one.put(PODS, podOf('web-1', alone)); });
      const root = cgroups();
      const kube = await started(url, { cgroupRoot: root });
      await eventually(() => (kube.kubernetes.view().optOuts === 1 ? '' : 'not known'));
      assert.deepEqual(rules(kube), []);
      mkdirSync(join(root, 'kubepods/burstable', `pod${uidOf(1)}`), { recursive: true });
      await eventually(() => (rules(kube).join() === excluded ? '' : `rules: ${rules(kube).join()}`));
    });

    it('stay excluded over a restart of the agent while the API server is away', async () => {
      const { server, url } = await serverOf((one) => { one.put(PODS, podOf('web-1', alone)); });
      const at = { runDir: folder(), cgroupRoot: cgroups(1) };
      const first = await kubeMesh({ pace, flags: { 'kubernetes.apiServer': url }, ...at });
      await eventually(() => (rules(first).length === 1 ? '' : 'not excluded'));
      await first.stop();
      server.broken = 500;
      const second = await started(url, at);
      assert.deepEqual(rules(second), [excluded]);
      assert.equal(second.scope.standing.rules.length, 1, 'the kernel has it from the start');
      server.remove(PODS, 'shop', 'web-1');
      server.broken = undefined;
      await eventually(() => rules(second).join());
    });

    it('that find no room are counted, not forgotten', async () => {
      const numbers = Array.from({ length: 130 }, (_, index) => index + 1);
      const { server, url } = await serverOf((one) => { for (const number of numbers) one.put(PODS, podOf(`p-${number}`, { ...alone, uid: uidOf(number) })); });
      const kube = await started(url, { cgroupRoot: cgroups(...numbers) });
      await eventually(() => (kube.scope.crowded.length === 2 ? '' : `${kube.scope.crowded.length}`));
      assert.equal(kube.scope.rules().length, 128);
      assert.equal(kube.kubernetes.view().optOutsWithoutRoom, 2);
      const warned = (): { msg: string; [field: string]: unknown }[] => kube.lines.filter(({ level }) => level === 'warn');
      assert.deepEqual(warned().map(({ msg, most, without }) => [msg, most, without]), [['pods ask to be left alone and are accelerated: there is no room for more selectors', 128, 2]]);
      for (const number of [1, 2]) server.remove(PODS, 'shop', `p-${number}`);
      await eventually(() => (kube.scope.crowded.length === 0 ? '' : `${kube.scope.crowded.length}`));
      assert.equal(warned().length, 1);
    });
  });
});

describe('services of the configuration and of others', () => {
  const other = (over: object): ReturnType<typeof configured> => ({ ...configured(over), name: 'shop/web:http' });

  it('an address has one owner, and the configuration comes first', () => {
    const { services, problems } = mergeServices([configured()], [[other({ addresses: ['10.96.0.1'] }), { ...other({ addresses: ['10.96.0.2'] }), name: 'shop/b:http' }]], 10);
    assert.deepEqual(services.map(({ name }) => name), ['web', 'shop/b:http']);
    assert.deepEqual(problems, ['service shop/web:http is left out: its address belongs to web']);
  });

  it('what finds no room is left out whole, and said', () => {
    const many = Array.from({ length: 5 }, (_, index) => ({ ...other({ addresses: [`10.96.1.${index}`, `fd00:96::${index}`] }), name: `shop/s${index}:http` }));
    const { services, problems } = mergeServices([configured()], [many], 6);
    assert.deepEqual([services.length, problems], [3, ['3 services found no room; see mesh.maxServices']]);
  });
});
