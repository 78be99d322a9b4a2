// SPDX-License-Identifier: Apache-2.0
/** The broker of the chart on a real cluster, made as docs/kubernetes.md says: a volume, Secrets, a certificate for its names, a key for the node. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'mocha';
import { nkeys } from 'nats';
import { bpfObjects, noneSince } from '../helpers/bpf-objects.js';
import { eventually, PATIENCE_S, SLOWNESS, takeLock } from '../helpers/kernel.js';
import { CHART, Cluster, makeImages } from './cluster.js';

interface Keys { getSeed(): Uint8Array; getPublicKey(): string }
const newKeys = (): Keys => (nkeys as { createUser(): Keys }).createUser();

const NAMES = ['sidestep-nats.sidestep.svc', '*.sidestep-nats.sidestep.svc'];

describe('the broker of the chart on a cluster', function () {
  this.timeout(120_000 * SLOWNESS);
  this.bail(true);
  const cluster = new Cluster();
  const dir = mkdtempSync(join(tmpdir(), 'sidestep-broker-'));
  const [admin, node] = [newKeys(), newKeys()];
  let release: (() => void) | undefined;
  let objects = new Set<string>();

  before(async function bringUp() {
    this.timeout(200_000 * SLOWNESS + PATIENCE_S * 1000);
    certificate();
    for (const [file, keys] of [['node-a.nk', node], ['admin.nk', admin]] as const) writeFileSync(join(dir, file), keys.getSeed());
    await cluster.start(makeImages());
    cluster.volume('nats');
    cluster.kubectl('create', 'namespace', 'sidestep');
    const secret = (name: string, ...files: string[]): string =>
      cluster.kubectl('-n', 'sidestep', 'create', 'secret', 'generic', name, ...files.map((file) => `--from-file=${join(dir, file)}`));
    secret('nats-tls', 'tls.crt', 'tls.key', 'ca.crt');
    secret('sidestep-nkeys', 'node-a.nk');
    secret('nats-admin', 'admin.nk');
    release = await takeLock();
    objects = bpfObjects();
  });

  after(async () => {
    await cluster.stop();
    release?.();
    rmSync(dir, { recursive: true });
  });

  function certificate(): void {
    const openssl = (...args: string[]): void => { execFileSync('openssl', args, { cwd: dir, stdio: 'pipe' }); };
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
    openssl('req', '-x509', ...key, '-days', '2', '-subj', '/CN=ca', '-keyout', 'ca.key', '-out', 'ca.crt');
    openssl('req', ...key, '-subj', '/CN=nats', '-keyout', 'tls.key', '-out', 'tls.csr');
    writeFileSync(join(dir, 'ext'), `subjectAltName=${NAMES.map((name) => `DNS:${name}`).join()}\n`);
    openssl('x509', '-req', '-in', 'tls.csr', '-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', 'ext', '-out', 'tls.crt');
  }

  /** It exits with 1 while there is a problem. */
  const status = (): string => cluster.tryKubectl('-n', 'sidestep', 'exec', 'ds/sidestep', '--', 'sidestep', 'status').stdout;

  it('comes up with its volume, its buckets are made by the job, and the agent of the node is let in by its own key', () => {
    const values = {
      'nats.image': 'localhost/nats:1', 'nats.tlsSecret': 'nats-tls', 'nats.adminSeedSecret': 'nats-admin', 'bus.nkeySecret': 'sidestep-nkeys',
      'nats.adminKey': admin.getPublicKey(), 'nats.hosts.node-a': node.getPublicKey(), 'config.cgroup.path': cluster.cgroupInPods,
    };
    // It waits for the job.
    cluster.helm('install', 'sidestep', CHART, '-n', 'sidestep', '--set', 'nats.enabled=true', ...Object.entries(values).flatMap(([key, value]) => ['--set', `${key}=${value}`]));
    for (const kind of ['statefulset/sidestep-nats', 'daemonset/sidestep']) cluster.until('-n', 'sidestep', 'rollout', 'status', kind);
    assert.match(status(), /^bus +external, synced/m);
  });

  it('while it is away the agent stays ready, and finds it again where it was', async () => {
    cluster.kubectl('-n', 'sidestep', 'scale', 'statefulset/sidestep-nats', '--replicas=0');
    await eventually(() => (/^bus +external, degraded/m.test(status()) ? '' : status()), 30_000);
    assert.equal(cluster.field('.items[*].status.containerStatuses[*].ready', '-n', 'sidestep', 'pods', '-l', 'app.kubernetes.io/component=agent'), 'true');
    cluster.kubectl('-n', 'sidestep', 'scale', 'statefulset/sidestep-nats', '--replicas=1');
    await eventually(() => (/^bus +external, synced/m.test(status()) ? '' : status()), 60_000);
    assert.equal(cluster.field('.items[*].status.containerStatuses[*].restartCount', '-n', 'sidestep', 'pods', '-l', 'app.kubernetes.io/component=agent'), '0');
  });

  it('helm uninstall takes both away', async () => {
    cluster.helm('uninstall', 'sidestep', '-n', 'sidestep', '--wait');
    await eventually(() => cluster.kubectl('-n', 'sidestep', 'get', 'pods', '-o', 'name'), 60_000);
    await noneSince(objects);
    assert.deepEqual(cluster.pins(), []);
  });
});
