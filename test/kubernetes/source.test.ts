// SPDX-License-Identifier: Apache-2.0
/** The source of Kubernetes against a real API server: what the agent may do is the role that the chart gives it. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'mocha';
import { usualPace } from '../../agent/kubernetes/watcher.js';
import { rendered } from '../charts/helm.js';
import { ApiCluster } from '../helpers/api-cluster.js';
import { folder } from '../helpers/folder.js';
import { kubeMesh, type KubeMesh, type KubeOptions } from '../helpers/kube-mesh.js';
import { eventually } from '../helpers/kernel.js';
import { freePort } from '../helpers/free-port.js';

const ROLES = '/apis/rbac.authorization.k8s.io/v1';
const ACCOUNT = '/api/v1/namespaces/mesh/serviceaccounts';
const PODS = '/api/v1/namespaces/shop/pods';
const SERVICES = '/api/v1/namespaces/shop/services';
const SLICES = '/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices';
const VIP = '10.96.0.80:80/tcp';

const pod = (name: string, nodeName = 'node-a', over: object = {}): object =>
  ({ metadata: { name, ...over }, spec: { nodeName, containers: [{ name: 'c', image: 'i' }] } });
const service = (annotations: object = { 'sidestep.io/mesh': 'enabled' }): object =>
  ({ metadata: { name: 'web', annotations }, spec: { clusterIP: '10.96.0.80', ports: [{ name: 'http', port: 80, targetPort: 8080 }] } });
const slice = (...addresses: string[]): object => ({
  metadata: { name: 'web-x', labels: { 'kubernetes.io/service-name': 'web' } }, addressType: 'IPv4', ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
  endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true }, nodeName: 'node-b' })),
});

describe('Kubernetes: a real API server', function () {
  this.timeout(120_000);
  const cluster = new ApiCluster();
  const stops: (() => Promise<void>)[] = [];
  let tokenFile = '';

  before(async () => {
    await cluster.start();
    for (const name of ['shop', 'mesh']) await cluster.must('POST', '/api/v1/namespaces', { metadata: { name } });
    await cluster.must('POST', ACCOUNT, { metadata: { name: 'sidestep' } });
    for (const manifest of rendered(['--set', 'config.kubernetes.enabled=true']).filter(({ kind }) => kind.startsWith('ClusterRole')))
      await cluster.must('POST', `${ROLES}/${manifest.kind.toLowerCase()}s`, manifest);
    tokenFile = join(cluster.dir, 'token');
    writeFileSync(tokenFile, await cluster.tokenOf('mesh', 'sidestep'));
  });

  after(() => cluster.clean());

  afterEach(async () => {
    for (const stop of stops.splice(0).reverse()) await stop();
    for (const path of [PODS, SERVICES, SLICES]) {
      const { items } = (await cluster.must('GET', path)) as { items: { metadata: { name: string } }[] };
      for (const { metadata: { name } } of items) await cluster.must('DELETE', `${path}/${name}?gracePeriodSeconds=0`);
    }
  });

  async function started(over: Partial<KubeOptions> = {}): Promise<KubeMesh> {
    const kube = await kubeMesh({ ...over, flags: { 'kubernetes.apiServer': cluster.url, 'kubernetes.tokenFile': tokenFile, 'kubernetes.caFile': cluster.ca, ...over.flags } });
    stops.push(() => kube.stop());
    await eventually(() => kube.kubernetes.notReady(), 20_000);
    return kube;
  }

  const pods = (kube: KubeMesh): number => kube.kubernetes.view().pods;
  const serves = (kube: KubeMesh, ...wanted: string[]): Promise<void> =>
    eventually(() => (JSON.stringify(kube.serves()) === JSON.stringify(wanted) ? '' : `serves ${JSON.stringify(kube.serves())}, wanted ${JSON.stringify(wanted)}`), 20_000);
  const watchOf = (kube: KubeMesh, kind: string) => kube.kubernetes.view().watches.find((one) => one.kind === kind)!;
  const uidOf = (made: Record<string, unknown>): string => (made['metadata'] as { uid: string }).uid;

  it('the pods of this node are known by their cgroup, with whoever made them, as they come, change and go', async () => {
    const labels = { 'pod-template-hash': '5d4f' };
    const ownerReferences = [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-5d4f', uid: 'x', controller: true }];
    for (const [name, node] of [['other', 'node-b'], ['web-0', 'node-a']] as const) await cluster.must('POST', PODS, pod(name, node));
    const uid = uidOf(await cluster.must('POST', PODS, pod('web-1', 'node-a', { labels, ownerReferences })));
    const kube = await started({ pace: { ...usualPace, page: 1 } });
    assert.equal(pods(kube), 2);
    await cluster.must('DELETE', `${PODS}/web-0?gracePeriodSeconds=0`);
    await eventually(() => (pods(kube) === 1 ? '' : `${pods(kube)} pods`));
    assert.deepEqual(kube.kubernetes.podOf(`/kubepods/burstable/pod${uid}/c`), { namespace: 'shop', name: 'web-1', workload: 'Deployment/web' });
    await cluster.must('POST', PODS, pod('web-2'));
    await eventually(() => (pods(kube) === 2 ? '' : `${pods(kube)} pods`));
    await cluster.must('PATCH', `${PODS}/web-2/status`, { status: { phase: 'Succeeded' } });
    await eventually(() => (pods(kube) === 1 ? '' : `${pods(kube)} pods`));
    await cluster.must('DELETE', `${PODS}/web-1?gracePeriodSeconds=0`);
    await eventually(() => (pods(kube) === 0 ? '' : `${pods(kube)} pods`));
    assert.equal(watchOf(kube, 'pods').lists, 1);
  });

  it('an annotation leaves its pod alone, and its end ends that', async () => {
    const uid = uidOf(await cluster.must('POST', PODS, pod('web-1')));
    const cgroupRoot = folder();
    mkdirSync(join(cgroupRoot, `kubepods/besteffort/pod${uid}`), { recursive: true });
    const kube = await started({ cgroupRoot });
    const rules = (): string => kube.scope.rules().map(({ origin }) => origin).join();
    assert.equal(rules(), '');
    await cluster.must('PATCH', `${PODS}/web-1`, { metadata: { annotations: { 'sidestep.io/accelerate': 'disabled' } } });
    await eventually(() => (rules() === 'annotation sidestep.io/accelerate: disabled of pod shop/web-1' ? '' : `rules: ${rules()}`));
    await cluster.must('PATCH', `${PODS}/web-1`, { metadata: { annotations: { 'sidestep.io/accelerate': null } } });
    await eventually(rules);
  });

  it('a Service is balanced when it asks for it, with what its slices say', async () => {
    await cluster.must('POST', SERVICES, service({}));
    await cluster.must('POST', SLICES, slice('10.244.0.1', '10.244.0.2'));
    const kube = await started();
    assert.deepEqual(kube.serves(), []);
    await cluster.must('PATCH', `${SERVICES}/web`, { metadata: { annotations: { 'sidestep.io/mesh': 'enabled' } } });
    await serves(kube, `${VIP} 10.244.0.1:8080,10.244.0.2:8080`);
    await cluster.must('PUT', `${SLICES}/web-x`, slice('10.244.0.2', '10.244.0.3'));
    await serves(kube, `${VIP} 10.244.0.2:8080,10.244.0.3:8080`);
    await cluster.must('PATCH', `${SLICES}/web-x`, { endpoints: [{ addresses: ['10.244.0.2'], conditions: { ready: false, serving: true, terminating: true } }, { addresses: ['10.244.0.3'] }] });
    await serves(kube, `${VIP} 10.244.0.3:8080`);
    assert.equal(kube.mesh.services()[0]!.draining, 1);
    await cluster.must('DELETE', `${SERVICES}/web`);
    await serves(kube);
  });

  it('a watch that ends in order is taken up again, with a bookmark and without one, and nothing is read twice', async () => {
    const kube = await started({ pace: { ...usualPace, watchMs: 5000 } });
    await cluster.must('POST', PODS, pod('web-1'));
    await eventually(() => (pods(kube) === 1 ? '' : 'no pod'));
    await new Promise((resolve) => { setTimeout(resolve, 11_000); });
    // Of another node: the watch does not show it, but its bookmark is past it.
    await cluster.must('POST', PODS, pod('other', 'node-b'));
    await new Promise((resolve) => { setTimeout(resolve, 6000); });
    const { state, lists, failures, events } = watchOf(kube, 'pods');
    assert.deepEqual({ state, lists, failures, events }, { state: 'following', lists: 1, failures: 0, events: 1 });
    await cluster.must('POST', PODS, pod('web-2'));
    await eventually(() => (pods(kube) === 2 ? '' : 'not followed'));
  });

  it('a killed API server takes nothing away; when it is back, what is the same is left alone and what differs is done (lb-stale-after-restart)', async () => {
    await cluster.must('POST', PODS, pod('web-1'));
    await cluster.must('POST', SERVICES, service());
    await cluster.must('POST', SLICES, slice('10.244.0.1', '10.244.0.2'));
    const kube = await started({ pace: { ...usualPace, firstMs: 100, slowestMs: 1000 } });
    await serves(kube, `${VIP} 10.244.0.1:8080,10.244.0.2:8080`);
    await kube.mesh.settled();
    const calls = kube.kernel.calls.length;
    await cluster.killServer();
    await eventually(() => (watchOf(kube, 'endpointslices').state === 'away' ? '' : 'not noticed'), 10_000);
    assert.match(kube.kubernetes.problems().join('\n'), /the pods of Kubernetes are as of \d+ s ago, and kept/);
    assert.deepEqual([kube.serves(), pods(kube)], [[`${VIP} 10.244.0.1:8080,10.244.0.2:8080`], 1]);
    await cluster.startServer();
    await eventually(() => kube.kubernetes.problems().join('\n'), 60_000);
    assert.deepEqual(kube.kernel.calls.slice(calls), [], 'nothing differs, so the kernel heard nothing');

    // What happens while this agent cannot reach it: on another port.
    await cluster.killServer();
    const elsewhere = await freePort();
    await cluster.startServer(elsewhere);
    await cluster.must('PUT', `${SLICES}/web-x`, slice('10.244.0.2', '10.244.0.3'), elsewhere);
    await cluster.must('DELETE', `${PODS}/web-1?gracePeriodSeconds=0`, undefined, elsewhere);
    await cluster.killServer();
    assert.deepEqual(kube.serves(), [`${VIP} 10.244.0.1:8080,10.244.0.2:8080`]);
    await cluster.startServer();
    await serves(kube, `${VIP} 10.244.0.2:8080,10.244.0.3:8080`);
    await eventually(() => (pods(kube) === 0 ? '' : 'the pod is still there'), 20_000);
    const touched = kube.kernel.calls.slice(calls);
    assert.equal(touched.filter((call) => call.startsWith('remove')).length, 1, touched.join('; '));
    assert.ok(watchOf(kube, 'endpointslices').lists > 1, 'the place to go on from was too old');
  });

  it('a token that is no longer good is read again, and a right that is missing is named', async () => {
    await cluster.must('POST', PODS, pod('web-1'));
    const kube = await started({ pace: { ...usualPace, firstMs: 100, slowestMs: 500, watchMs: 4000 } });
    await cluster.must('DELETE', `${ACCOUNT}/sidestep`);
    await eventually(() => (kube.kubernetes.problems().join('\n').includes('does not know the token (401)') ? '' : `problems: ${kube.kubernetes.problems().join('; ')}`), 30_000);
    await cluster.must('POST', ACCOUNT, { metadata: { name: 'sidestep' } });
    writeFileSync(tokenFile, await cluster.tokenOf('mesh', 'sidestep'));
    await eventually(() => kube.kubernetes.problems().join('\n'), 30_000);
    const [binding] = ((await cluster.must('GET', `${ROLES}/clusterrolebindings`)) as { items: { metadata: { name: string } }[] }).items.filter(({ metadata: { name } }) => name === 'mesh-sidestep');
    await cluster.must('DELETE', `${ROLES}/clusterrolebindings/${binding!.metadata.name}`);
    await eventually(() => (/may not do this: 403 pods is forbidden/.test(kube.kubernetes.problems().join('\n')) ? '' : `problems: ${kube.kubernetes.problems().join('; ')}`), 30_000);
  });
});
