// SPDX-License-Identifier: Apache-2.0
/** The chart on a real cluster: kubelet, containerd, kube-proxy and pods that talk all the while. Each test goes on where the one before it ended. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { after, before, describe, it } from 'mocha';
import type { ServiceView } from '../../agent/mesh/view.js';
import type { PairView } from '../../agent/pairs/resolve.js';
import { CI_FILES, rendered } from '../charts/helm.js';
import { bpfObjects, noneSince } from '../helpers/bpf-objects.js';
import { eventually, FINDS, PATIENCE_S, SLOWNESS, takeLock } from '../helpers/kernel.js';
import { CHART, Cluster, HERE, makeImages, NODE, readyName, traces } from './cluster.js';

const SERVICE = '10.96.0.79';

/** Connections of a client that are seen at least: three stay, and one is always new. */
const SEEN = FINDS ? 3 : 1;

interface Counts {
  readonly requests: number;
  readonly connections: number;
  readonly errors: number;
  readonly last: string;
}

describe('the chart on a cluster', function () {
  this.timeout(90_000 * SLOWNESS);
  this.bail(true);
  const cluster = new Cluster();

  before(async function bringUp() {
    this.timeout(200_000 * SLOWNESS);
    await cluster.start(makeImages());
    cluster.kubectl('create', 'namespace', 'shop');
    cluster.kubectl('-n', 'shop', 'create', 'configmap', 'client', `--from-file=${join(HERE, 'client.mjs')}`);
    cluster.apply(readFileSync(join(HERE, 'shop.yaml'), 'utf8'));
    for (const app of ['redis', 'client', 'alone']) cluster.until('-n', 'shop', 'rollout', 'status', `deploy/${app}`);
    await goesOn('client');
  });

  after(() => cluster.stop());

  const counts = (app: string): Counts => JSON.parse(cluster.kubectl('-n', 'shop', 'logs', '--tail=1', `deploy/${app}`) || '{"requests":0}') as Counts;

  /** It gets answers, and has got nothing else so far. */
  async function goesOn(app: string): Promise<void> {
    const { requests } = counts(app);
    await eventually(() => (counts(app).requests > requests + 50 ? '' : `${app} stopped: ${JSON.stringify(counts(app))}`), 20_000);
    assert.equal(counts(app).errors, 0, JSON.stringify(counts(app)));
  }

  it('every file of values renders to what the API server takes', () => {
    for (const name of ['mesh', 'monitoring']) cluster.kubectl('create', 'namespace', name);
    for (const file of CI_FILES) {
      // Kinds of the Prometheus operator are not known here.
      const items = rendered(['-f', file], '1.34.4').filter(({ apiVersion }) => !apiVersion.startsWith('monitoring.'));
      assert.ok(items.length > 2, basename(file));
      cluster.apply(JSON.stringify({ apiVersion: 'v1', kind: 'List', items }), '--dry-run=server', '--validate=strict');
    }
  });

  it('in a namespace that forbids host paths no agent is admitted, and the DaemonSet says why', async () => {
    cluster.kubectl('create', 'namespace', 'strict');
    cluster.kubectl('label', 'namespace', 'strict', 'pod-security.kubernetes.io/enforce=baseline');
    assert.match(cluster.helm('install', 'sidestep', CHART, '-n', 'strict'), /Pods are created but not admitted\? The namespace must allow host paths/);
    await eventually(() => {
      const events = cluster.kubectl('-n', 'strict', 'get', 'events');
      return /violates PodSecurity "baseline/.test(events) ? '' : events;
    }, 20_000);
    cluster.helm('uninstall', 'sidestep', '-n', 'strict');
  });

  describe('with an agent', () => {
    let release: (() => void) | undefined;
    let objects = new Set<string>();
    let paths: string[] = [];

    before(async function takeTheTurn() {
      this.timeout((PATIENCE_S + 10) * 1000);
      release = await takeLock();
      [objects, paths] = [bpfObjects(), cluster.cgroups()];
    });

    // An agent that a failed test left goes with the cluster, before it is another's turn.
    after(async () => {
      await cluster.stop();
      release?.();
    });

    const sidestep = (...args: string[]): string => cluster.kubectl('-n', 'sidestep', 'exec', 'ds/sidestep', '--', 'sidestep', ...args);
    const pairsOf = (app: string): PairView[] => (JSON.parse(sidestep('pairs', '-o', 'json')) as { pairs: PairView[] }).pairs.filter(({ client }) => client.pod?.workload === `Deployment/${app}`);
    /** Its exit code is about what it finds. */
    const explained = (pod: string): string => cluster.tryKubectl('-n', 'sidestep', 'exec', 'ds/sidestep', '--', 'sidestep', 'explain', pod).stdout;
    const podOf = (app: string): string => cluster.field('.items[0].metadata.name', '-n', 'shop', 'pods', '-l', `app=${app}`);
    const agentPod = (): string => cluster.field('.items[*].metadata.name', '-n', 'sidestep', 'pods', '-l', 'app.kubernetes.io/component=agent');
    const rolledOut = (): string => cluster.until('-n', 'sidestep', 'rollout', 'status', 'ds/sidestep');
    const upgrade = (...sets: string[]): string => cluster.helm('upgrade', 'sidestep', CHART, '-n', 'sidestep', '--reset-then-reuse-values', ...sets.flatMap((set) => ['--set', set]));

    /** All that stay have moved bytes both ways around TCP since now. */
    async function accelerated(app: string): Promise<void> {
      const were = new Map(pairsOf(app).map((pair) => [pair.id, pair]));
      const moves = ({ id, state, clientSent, serverSent }: PairView): boolean => state === 'active'
        && clientSent.redirectedBytes > (were.get(id)?.clientSent.redirectedBytes ?? 0) && serverSent.redirectedBytes > (were.get(id)?.serverSent.redirectedBytes ?? 0);
      await eventually(() => {
        const pairs = pairsOf(app);
        return pairs.filter(moves).length >= SEEN ? '' : `of ${app}: ${pairs.map(({ state, reason, lastPass }) => `${state} ${reason} ${lastPass}`).join(', ')}`;
      }, 30_000);
    }

    async function leftAlone(app: string): Promise<void> {
      await eventually(() => {
        const pairs = pairsOf(app);
        return pairs.length >= SEEN && pairs.every(({ state, reason }) => state === 'tcp' && reason === 'excluded') ? '' : `of ${app}: ${pairs.map(({ state, reason }) => `${state} ${reason}`).join(', ')}`;
      }, 30_000);
    }

    it('is installed as docs/kubernetes.md says: the agent is ready, and its host has what it needs', async () => {
      cluster.kubectl('create', 'namespace', 'sidestep');
      cluster.kubectl('label', 'namespace', 'sidestep', 'pod-security.kubernetes.io/enforce=privileged');
      cluster.helm('install', 'sidestep', CHART, '-n', 'sidestep', '-f', join(HERE, 'values.yaml'),
        '--set', `config.cgroup.path=${cluster.cgroupInPods}`, '--set', `livenessProbe.timeoutSeconds=${5 * SLOWNESS}`);
      rolledOut();
      sidestep('check', '--quick');
      await eventually(() => (/^kubernetes +node-a, following; [4-9] pods \(1 left alone\)/m.test(sidestep('status')) ? '' : sidestep('status')), 20_000);
      assert.equal(cluster.field('.items[*].status.containerStatuses[*].restartCount', '-n', 'sidestep', 'pods'), '0');
    });

    it('pods that talk by the address of a Service step around TCP, and the agent and its metrics say whose they are', async () => {
      await accelerated('client');
      for (const { server, dialledAddress, dialledPort } of pairsOf('client'))
        assert.deepEqual([server.pod?.workload, server.pod?.namespace, dialledAddress, dialledPort], ['Deployment/redis', 'shop', SERVICE, 6379]);
      assert.match(sidestep('pairs'), /shop\/client-.*shop\/redis-/);
      assert.match(explained(`pod/shop/${podOf('client')}`), /client +shop\/client-.* of Deployment\/client, .*\n +server +shop\/redis-.* of Deployment\/redis, .*\n +Accelerated: /);
      const address = cluster.field('.items[0].status.podIP', '-n', 'sidestep', 'pods');
      await eventually(() => {
        const metrics = cluster.get(`${address}:9464/metrics`);
        return [/^sidestep_active_pairs\{state="active"\} [1-9]/m, /^sidestep_workload_connections\{.*"Deployment\/client".*"Deployment\/redis".*"accelerated"\} [1-9]/m].every((line) => line.test(metrics)) ? '' : metrics;
      }, 20_000);
      await goesOn('client');
    });

    it('a pod whose annotation says so is left alone, also when the annotation comes and goes', async () => {
      await leftAlone('alone');
      const redirected = (): Map<string, number> => new Map(pairsOf('alone').map(({ id, clientSent, serverSent }) => [id, clientSent.redirectedBytes + serverSent.redirectedBytes]));
      const before = redirected();
      await goesOn('alone');
      for (const [id, bytes] of redirected()) assert.equal(bytes, before.get(id) ?? 0);
      const pod = podOf('alone');
      assert.match(explained(`pod/${pod}`), new RegExp(`excluded by the annotation sidestep\\.io/accelerate: disabled of pod shop/${pod} `));
      cluster.kubectl('-n', 'shop', 'annotate', 'pod', pod, 'sidestep.io/accelerate-');
      await accelerated('alone');
      cluster.kubectl('-n', 'shop', 'annotate', 'pod', pod, 'sidestep.io/accelerate=disabled');
      await leftAlone('alone');
      await goesOn('alone');
    });

    it('a Service whose annotation says so is balanced without kube-proxy, and by kube-proxy again without it', async () => {
      const services = (): ServiceView[] => (JSON.parse(sidestep('services', '-o', 'json')) as { services: ServiceView[] }).services;
      cluster.kubectl('-n', 'shop', 'annotate', 'service', 'redis', 'sidestep.io/mesh=enabled');
      await eventually(() => {
        const known = services();
        return known.some(({ name, up, picks }) => name === 'shop/redis:6379' && up === 1 && Object.values(picks).some((count) => count > 2)) ? '' : JSON.stringify(known);
      }, 20_000);
      for (const app of ['client', 'alone']) await goesOn(app);
      cluster.kubectl('-n', 'shop', 'annotate', 'service', 'redis', 'sidestep.io/mesh-');
      await eventually(() => (services().length === 0 ? '' : JSON.stringify(services())), 20_000);
      for (const app of ['client', 'alone']) await goesOn(app);
    });

    it('helm test passes', () => {
      assert.match(cluster.helm('test', 'sidestep', '-n', 'sidestep'), /Phase: +Succeeded/);
    });

    it('what an agent can follow arrives with the ConfigMap, in the same pod', async () => {
      const was = agentPod();
      upgrade('config.log.level=debug');
      await eventually(() => (/"level":"debug"/.test(cluster.kubectl('-n', 'sidestep', 'logs', '--tail=200', 'ds/sidestep')) ? '' : 'the level is as it was'), 60_000);
      assert.equal(agentPod(), was);
    });

    // The agent that goes does what its own configuration says; the next one is told what the next turn is about.
    for (const [onExit, next] of [['retire', 'keep'], ['keep', 'keep']])
      it(`helm upgrade under load with lifecycle.onExit ${onExit}: another pod, the same connections, no error`, async () => {
        const [was, ports] = [agentPod(), pairsOf('client').map(({ client }) => client.port)];
        upgrade(`config.lifecycle.onExit=${next}`, `podAnnotations.after=${onExit}`);
        rolledOut();
        assert.notEqual(agentPod(), was);
        const log = cluster.kubectl('-n', 'sidestep', 'logs', '--tail=-1', 'ds/sidestep');
        assert.equal(log.includes('took over the datapath of an earlier agent'), onExit === 'keep', log);
        await accelerated('client');
        if (FINDS) assert.ok(pairsOf('client').filter(({ client }) => ports.includes(client.port)).length >= 3);
        await leftAlone('alone');
        for (const app of ['client', 'alone']) await goesOn(app);
      });

    it('helm uninstall leaves nothing in the kernel, and nobody notices', async () => {
      upgrade('config.lifecycle.onExit=retire');
      rolledOut();
      cluster.helm('uninstall', 'sidestep', '-n', 'sidestep', '--wait');
      await eventually(() => cluster.kubectl('-n', 'sidestep', 'get', 'pods', '-o', 'name'), 60_000);
      await noneSince(objects);
      assert.deepEqual(cluster.pins(), []);
      await eventually(() => (cluster.cgroups().join() === paths.join() ? '' : cluster.cgroups().join('\n')), 20_000);
      for (const app of ['client', 'alone']) await goesOn(app);
      assert.equal(cluster.kubectl('get', 'clusterroles,clusterrolebindings', '-o', 'name').includes('sidestep'), false);
    });
  });
});

describe('the cluster of these tests', function () {
  this.timeout(120_000 * SLOWNESS);

  it('goes when who started it is killed', async () => {
    const start = `require('node:child_process').spawn(process.argv[1], { stdio: ['pipe', 'inherit', 'inherit'], detached: true }); setInterval(() => {}, 1000);`;
    const starter = spawn(process.execPath, ['-e', start, NODE], { stdio: ['ignore', 'pipe', 'pipe'] });
    const ended = once(starter, 'close');
    const name = await readyName(starter);
    assert.ok(traces(name).length > 3, traces(name).join());
    starter.kill('SIGKILL');
    // Its output is closed when the last of them has gone.
    await ended;
    assert.deepEqual(traces(name), []);
  });
});
