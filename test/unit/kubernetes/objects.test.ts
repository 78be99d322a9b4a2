import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'mocha';
import { podCgroups, podOf as podOfCgroup } from '../../../agent/kubernetes/cgroups.js';
import { OptOuts } from '../../../agent/kubernetes/optouts.js';
import { optOutsOf, Pods } from '../../../agent/kubernetes/pods.js';
import { parsePorts } from '../../../agent/kubernetes/ports.js';
import { readPod, readService, readSlice, type Raw } from '../../../agent/kubernetes/read.js';
import { accessOf } from '../../../agent/kubernetes/server.js';
import { isMeshed, partsOf, problemsOf } from '../../../agent/kubernetes/services.js';
import type { Pod, Service, Slice } from '../../../agent/kubernetes/types.js';
import { folder } from '../../helpers/folder.js';
import { endpointOf, podOf, serviceOf, sliceOf, uidOf, type EndpointOver } from './objects.js';

const pod = (over: Parameters<typeof podOf>[1] = {}): Pod => readPod(podOf('web-1', over))!;
const service = (over: Parameters<typeof serviceOf>[1] = {}): Service => readService(serviceOf('web', over))!;
const slice = (endpoints: readonly object[], over: object = {}): Slice => readSlice(sliceOf('web-x', 'web', endpoints, over))!;
const here = { node: 'node-a', host: 'node-a', zone: 'z1' };
const uid = uidOf(1);
const dashed = uid.replaceAll('-', '_');

describe('pods of Kubernetes', () => {
  it('belong to whoever made them, by the name that outlives them (m-pod-label-explosion)', () => {
    const of = (owner: object, labels: object = {}): string => pod({ owner, labels }).workload;
    assert.equal(of({ kind: 'ReplicaSet', name: 'web-5d4f' }, { 'pod-template-hash': '5d4f' }), 'Deployment/web');
    assert.equal(of({ kind: 'ReplicaSet', name: 'web-5d4f' }), 'ReplicaSet/web-5d4f');
    assert.equal(of({ kind: 'StatefulSet', name: 'db' }), 'StatefulSet/db');
    assert.equal(of({ kind: 'Job', name: 'backup-29401720' }), 'CronJob/backup');
    assert.equal(of({ kind: 'Job', name: 'migrate-2' }), 'Job/migrate-2');
    assert.equal(of({ kind: 'Node', name: 'node-a' }), 'Pod');
    assert.equal(pod().workload, 'Pod');
  });

  it('are read field by field, and of their annotations only our own', () => {
    const read = pod({ annotations: { 'sidestep.io/accelerate': 'disabled', other: 'x' } });
    assert.deepEqual([read.namespace, read.name, read.uid, read.addresses, read.wishes], ['shop', 'web-1', uid, ['10.244.0.7', 'fd00:244::7'], { accelerate: 'disabled' }]);
    for (const odd of [{}, { metadata: null }, { metadata: { uid: 7 } }, { metadata: [] }]) assert.equal(readPod(odd as Raw), undefined);
  });

  it('of files have the number of their file in paths', () => {
    assert.equal(pod({ annotations: { 'kubernetes.io/config.hash': '0123456789abcdef0123456789abcdef' } }).uid, '0123456789abcdef0123456789abcdef');
  });
});

describe('cgroups of pods', () => {
  const forms = {
    'cgroupfs, guaranteed': `/kubepods/pod${uid}`,
    'cgroupfs, burstable': `/kubepods/burstable/pod${uid}`,
    'systemd, guaranteed': `/kubepods.slice/kubepods-pod${dashed}.slice`,
    'systemd, best effort': `/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod${dashed}.slice`,
    'systemd below a root of its own': `/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-burstable.slice/kubelet-kubepods-burstable-pod${dashed}.slice`,
    'cgroupfs below a root of its own': `/kubelet/kubepods/burstable/pod${uid}`,
  };
  for (const [form, cgroup] of Object.entries(forms)) {
    it(`are known by their path: ${form}`, () => {
      for (const below of ['', '/0123abcd', '/cri-containerd-0123abcd.scope', '/cri-containerd-0123.scope/inner'])
        assert.deepEqual(podOfCgroup(`${cgroup}${below}`), { uid, cgroup });
    });
  }

  it('a static pod has a number without dashes', () => {
    assert.equal(podOfCgroup('/kubepods/burstable/pod0123456789abcdef0123456789abcdef/x')?.uid, '0123456789abcdef0123456789abcdef');
  });

  it('nobody else is a pod, whatever he calls himself', () => {
    const strangers = ['', '/', '/system.slice/redis.service', '/kubepods', '/kubepods/burstable', '/kubepods.slice/kubepods-burstable.slice', `/user.slice/pod${uid}`,
      `/kubepods/burstable/podx${uid}`, `/kubepods/burstable/other/pod${uid}`, `/kubepods/pod${uid}x`, '/kubepods/pod123'];
    for (const path of strangers) assert.equal(podOfCgroup(path), undefined, path);
    const inside = podOfCgroup(`/kubepods/pod${uid}/kubepods/pod${uidOf(2)}`);
    assert.equal(inside?.uid, uid, 'a cgroup that a container made itself');
  });

  it('are found below the mount, also where it is the v2 tree of a hybrid host', () => {
    const root = folder();
    const both = [forms['cgroupfs, burstable'], forms['systemd, best effort'].replaceAll(dashed, uidOf(2).replaceAll('-', '_'))];
    for (const path of both) mkdirSync(join(root, path, 'container/deeper'), { recursive: true });
    mkdirSync(join(root, 'system.slice/some.service/kubepods', `pod${uidOf(3)}`), { recursive: true });
    assert.deepEqual([...podCgroups(root)].sort(), [[uid, both[0]], [uidOf(2), both[1]]]);
    assert.deepEqual([...podCgroups(join(root, 'nothing'))], []);
  });

  it('lead to the name of the pod, and to nobody once it has gone', () => {
    const pods = new Pods();
    const [old, fresh] = [pod(), pod({ uid: uidOf(2) })];
    pods.change(undefined, old);
    pods.change(old, fresh);
    assert.equal(pods.of(`/kubepods/pod${uid}/c`), null);
    assert.deepEqual(pods.of(`/kubepods/pod${uidOf(2)}/c`), { namespace: 'shop', name: 'web-1', workload: 'Pod' });
    pods.change(fresh, undefined);
    assert.equal(pods.size, 0);
  });
});

describe('annotations of pods', () => {
  const outs = (annotations: object): [string, object | undefined][] => optOutsOf(pod({ annotations })).outs.map(({ annotation, ports }) => [annotation, ports]);
  const effects = (annotations: object): string[] => optOutsOf(pod({ annotations })).outs.map(({ effect }) => effect);

  it('ask to be left alone, wholly or on some ports', () => {
    assert.deepEqual(outs({}), []);
    assert.deepEqual(outs({ 'sidestep.io/accelerate': 'enabled' }), []);
    assert.deepEqual(outs({ 'sidestep.io/accelerate': 'disabled', 'sidestep.io/exclude-ports': '80' }), [['sidestep.io/accelerate: disabled', undefined]]);
    assert.deepEqual(outs({ 'sidestep.io/accelerate': 'observe' }), [['sidestep.io/accelerate: observe', undefined]]);
    assert.deepEqual(effects({ 'sidestep.io/accelerate': 'disabled' }), ['exclude']);
    assert.deepEqual(effects({ 'sidestep.io/accelerate': 'observe' }), ['observe']);
    assert.deepEqual(effects({ 'sidestep.io/accelerate': 'observe', 'sidestep.io/exclude-ports': '80' }), ['exclude', 'observe']);
    assert.deepEqual(effects({ 'sidestep.io/accelerate': 'perhaps' }), ['exclude']);
    const text = '6379, 8000-8099';
    assert.deepEqual(outs({ 'sidestep.io/exclude-ports': text }),
      [[`sidestep.io/exclude-ports: ${text}`, { first: 6379, last: 6379 }], [`sidestep.io/exclude-ports: ${text}`, { first: 8000, last: 8099 }]]);
  });

  it('that nobody understands leave the pod alone, and are said', () => {
    const { outs: all, problems } = optOutsOf(pod({ annotations: { 'sidestep.io/accelerate': 'false' } }));
    assert.equal(all.length, 1);
    assert.match(problems[0]!, /sidestep\.io\/accelerate of pod shop\/web-1: given "false", expected one of enabled, disabled, observe/);
    const ports = optOutsOf(pod({ annotations: { 'sidestep.io/exclude-ports': '99999' } }));
    assert.deepEqual([ports.outs[0]!.ports, ports.problems.length], [undefined, 1]);
  });

  it('of a pod whose cgroup is nowhere are said, once it cannot be just late', () => {
    let now = 0;
    const root = folder();
    const given: number[] = [];
    const optOuts = new OptOuts(root, (rules) => { given.push(rules.length); }, () => now);
    const asks = [pod({ annotations: { 'sidestep.io/accelerate': 'disabled' } })];
    optOuts.set(asks);
    now = 29_999;
    optOuts.set(asks);
    assert.deepEqual(optOuts.problems, []);
    now = 30_000;
    assert.deepEqual(optOuts.problems, [`pod shop/web-1 asks to be left alone and is not: its cgroup is not found below ${root}`]);
    mkdirSync(join(root, 'kubepods', `pod${uid}`), { recursive: true });
    optOuts.set(asks);
    optOuts.stop();
    assert.deepEqual([optOuts.problems, given], [[], [0, 0, 1]]);
  });

  it('ports are read strictly', () => {
    assert.deepEqual(parsePorts('1,65535'), [{ first: 1, last: 1 }, { first: 65_535, last: 65_535 }]);
    for (const text of ['', '0', '65536', '9-8', 'http', '1,,2', '1-', '-1']) assert.equal(parsePorts(text), undefined, text);
  });
});

describe('services of Kubernetes', () => {
  it('are balanced when they ask for it, or when the configuration says all: never by surprise', () => {
    const asks = (annotations: object, wanted: 'off' | 'annotated' | 'all'): boolean => isMeshed(service({ annotations }), wanted);
    const [none, yes, no, odd] = [{}, { 'sidestep.io/mesh': 'enabled' }, { 'sidestep.io/mesh': 'disabled' }, { 'sidestep.io/mesh': 'true' }];
    assert.deepEqual([none, yes, no, odd].map((one) => asks(one, 'annotated')), [false, true, false, false]);
    assert.deepEqual([none, yes, no, odd].map((one) => asks(one, 'all')), [true, true, false, false]);
    assert.deepEqual([none, yes, no, odd].map((one) => asks(one, 'off')), [false, false, false, false]);
    assert.match(problemsOf(service({ annotations: odd }), 'annotated')[0]!, /given "true", expected enabled or disabled/);
  });

  it('are one of ours for each port, with the virtual addresses of both families', () => {
    const parts = partsOf(service({ spec: { clusterIPs: ['10.96.0.10', 'fd00:96::10'], ports: [
      { name: 'http', port: 80, protocol: 'TCP' }, { name: 'dns', port: 53, protocol: 'UDP' }, { name: 'sig', port: 9, protocol: 'SCTP' }] } }), [], here);
    assert.deepEqual(parts.map(({ config: { name, addresses, port, protocol, policy } }) => [name, addresses.length, port, protocol, policy]),
      [['shop/web:http', 2, 80, 'tcp', 'random'], ['shop/web:dns', 2, 53, 'udp', 'random']]);
    assert.deepEqual(partsOf(service({ spec: { ports: [{ port: 80 }] } }), [], here).map(({ config }) => config.name), ['shop/web:80']);
  });

  it('without a virtual address are nothing to balance, which is said', () => {
    const headless = service({ spec: { clusterIP: 'None', clusterIPs: ['None'] } });
    assert.deepEqual(partsOf(headless, [], here), []);
    assert.match(problemsOf(headless, 'annotated')[0]!, /no virtual address/);
  });

  it('keep their session affinity and take a policy by annotation', () => {
    const spec = { sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 60 } } };
    const annotations = { 'sidestep.io/mesh': 'enabled', 'sidestep.io/policy': 'least-connections' };
    const [part] = partsOf(service({ spec, annotations }), [], here);
    assert.deepEqual([part!.config.affinity, part!.config.policy], [{ by: 'address', timeout: 60_000 }, 'least-connections']);
    const [udp] = partsOf(service({ annotations, spec: { ports: [{ name: 'u', port: 1, protocol: 'UDP' }] } }), [], here);
    assert.equal(udp!.config.policy, 'random');
    const odd = service({ annotations: { 'sidestep.io/mesh': 'enabled', 'sidestep.io/policy': 'fastest' } });
    assert.equal(partsOf(odd, [], here)[0]!.config.policy, 'random');
    assert.match(problemsOf(odd, 'annotated')[0]!, /given "fastest", expected one of random/);
  });
});

describe('slices of endpoints', () => {
  const records = (slices: readonly Slice[], over: Parameters<typeof serviceOf>[1] = {}) => partsOf(service(over), slices, here)[0]!.records;
  const addresses = (slices: readonly Slice[], over: Parameters<typeof serviceOf>[1] = {}): string[] => records(slices, over).map(({ address, draining }) => `${address}${draining ? ' draining' : ''}`);
  const at = (address: string, over: EndpointOver = {}): object => endpointOf(address, over);

  it('become endpoints by the name and the protocol of their port', () => {
    const [record] = records([slice([at('10.244.1.1')])]);
    assert.deepEqual([record!.service, record!.address, record!.port, record!.host, record!.workload], ['shop/web:http', '10.244.1.1', 8080, 'node-b', 'shop/pod-10.244.1.1']);
    assert.deepEqual(addresses([slice([at('10.244.1.1')], { ports: [{ name: 'other', port: 1, protocol: 'TCP' }] })]), []);
    assert.deepEqual(addresses([slice([at('10.244.1.1')], { ports: [{ name: 'http', port: 1, protocol: 'UDP' }] })]), []);
    assert.deepEqual(addresses([slice([at('10.244.1.1')], { ports: [{ name: 'http', port: null }] })]), []);
  });

  it('are ready, draining or not there', () => {
    assert.deepEqual(addresses([slice([at('10.0.0.1'), at('10.0.0.2', { ready: null }), at('10.0.0.3', { ready: false, serving: false }),
      at('10.0.0.4', { ready: false, serving: true, terminating: true }), at('10.0.0.5', { ready: false, serving: false, terminating: true })])]),
    ['10.0.0.1', '10.0.0.2', '10.0.0.4 draining']);
  });

  it('those on their way out serve on where nobody else does', () => {
    assert.deepEqual(addresses([slice([at('10.0.0.4', { ready: false, serving: true, terminating: true })])]), ['10.0.0.4']);
  });

  it('an address that moves from one slice to another is there once, and ready where one says so', () => {
    const leaving = at('10.0.0.1', { ready: false, serving: true, terminating: true });
    assert.deepEqual(addresses([slice([leaving]), slice([at('10.0.0.1')])]), ['10.0.0.1']);
    assert.deepEqual(addresses([slice([at('10.0.0.1')]), slice([leaving])]), ['10.0.0.1']);
  });

  it('of a family that the service has no address of are left out', () => {
    assert.deepEqual(addresses([slice([at('10.0.0.1'), at('fd00::1')])]), ['10.0.0.1']);
  });

  it('with internalTrafficPolicy Local only those of this node count', () => {
    const both = [slice([at('10.0.0.1'), at('10.0.0.2', { node: 'node-a' })])];
    assert.deepEqual(addresses(both, { spec: { internalTrafficPolicy: 'Local' } }), ['10.0.0.2']);
  });

  it('hints decide who is near, where all have them', () => {
    const zoned = (address: string, zone: string, hints?: object): object => at(address, { zone, ...(hints && { hints }) });
    const hinted = [slice([zoned('10.0.0.1', 'z2', { forZones: [{ name: 'z1' }] }), zoned('10.0.0.2', 'z1', { forZones: [{ name: 'z2' }] })])];
    assert.equal(partsOf(service(), hinted, here)[0]!.config.locality.prefer, 'zone');
    assert.deepEqual(records(hinted).map(({ zone }) => zone), ['z1', '']);
    const some = [slice([zoned('10.0.0.1', 'z2', { forZones: [{ name: 'z1' }] }), zoned('10.0.0.2', 'z1')])];
    assert.equal(partsOf(service(), some, here)[0]!.config.locality.prefer, 'none');
    assert.deepEqual(records(some).map(({ zone }) => zone), ['z2', 'z1']);
    const nodes = [slice([at('10.0.0.1', { node: 'node-a', hints: { forNodes: [{ name: 'node-a' }] } }), at('10.0.0.2', { hints: { forNodes: [{ name: 'node-b' }] } })])];
    assert.equal(partsOf(service(), nodes, here)[0]!.config.locality.prefer, 'host');
    assert.deepEqual(records(nodes).map(({ host }) => host), ['node-a', '']);
  });

  it('that make no sense are nobody', () => {
    assert.equal(readSlice({ metadata: { namespace: 'shop' } }), undefined);
    const odd = slice([null as unknown as object, {}, { addresses: 'x' }, { addresses: ['not-an-ip'] }, at('10.0.0.1')]);
    assert.deepEqual(odd.endpoints.map(({ addresses: [first] }) => first), ['10.0.0.1']);
  });
});

describe('the way to the API server', () => {
  const files = { apiServer: '', tokenFile: '', caFile: '' };

  it('is what every pod is told, also with IPv6, or what the configuration says', () => {
    assert.equal(accessOf(files, { KUBERNETES_SERVICE_HOST: '10.96.0.1', KUBERNETES_SERVICE_PORT: '6443' }).url.href, 'https://10.96.0.1:6443/');
    assert.equal(accessOf(files, { KUBERNETES_SERVICE_HOST: 'fd00::1' }).url.href, 'https://[fd00::1]/');
    assert.equal(accessOf({ ...files, apiServer: 'https://api.example:6443/base' }, {}).url.href, 'https://api.example:6443/base');
  });

  it('that is not known is said with what to do', () => {
    assert.throws(() => accessOf(files, {}), /KUBERNETES_SERVICE_HOST is not set/);
    assert.throws(() => accessOf({ ...files, apiServer: 'https://x', caFile: '/nonexistent' }, {}), /\/nonexistent \(kubernetes\.caFile\) cannot be read/);
  });
});
