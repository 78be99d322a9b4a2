// SPDX-License-Identifier: Apache-2.0
// The probe tries every program type on throw-away targets: it answers for each, and leaves nothing behind.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { native } from '../../native/index.js';
import { SLOWNESS } from '../helpers/kernel.js';

const programTypes = [
  'cgroup_device', 'cgroup_skb', 'cgroup_sock', 'cgroup_sock_addr', 'cgroup_sockopt', 'cgroup_sysctl', 'fentry',
  'flow_dissector', 'iter', 'kprobe', 'lirc_mode2', 'lsm', 'lwt_in', 'lwt_out', 'lwt_xmit', 'perf_event',
  'raw_tracepoint', 'sched_act', 'sched_cls', 'sk_lookup', 'sk_msg', 'sk_reuseport', 'sk_skb', 'sock_ops',
  'socket_filter', 'tp_btf', 'tracepoint', 'xdp',
];

const features = [
  'bpf_rdonly_cast kfunc', 'bpf_sk_storage_map iterator', 'lru hash map', 'ringbuf map', 'sk_storage map',
  'sock_ops cgroup link', 'sockhash map', 'sockmap iterator', 'sockmap link', 'tcp iterator',
];

const answers: readonly string[] = ['yes', 'no', 'unknown'];

function descriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

/** The cgroups a probe of this process may have left: those of another process may be at work. */
function leftCgroups(): string[] {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n').filter((line) => line.includes(' - cgroup2 '));
  return mounts
    .map((line) => line.split(' ')[4] ?? '')
    .flatMap((mount) => readdirSync(mount).map((name) => `${mount}/${name}`))
    .filter((path) => path.endsWith(`/sidestep-probe-${process.pid}`));
}

/** Runs probePrograms() in a worker and hands back how many rows it gave. */
function rowsFromWorker(): Promise<number> {
  const entry = new URL('../../native/index.js', import.meta.url).href;
  const body = `import(${JSON.stringify(entry)}).then(({ native }) =>
    require('node:worker_threads').parentPort.postMessage(native.probePrograms().length))`;
  return new Promise((resolve, reject) => {
    const worker = new Worker(body, { eval: true });
    let rows = -1;
    worker.on('message', (count: number) => { rows = count; });
    worker.on('error', reject);
    worker.on('exit', () => { resolve(rows); });
  });
}

describe('probe', () => {
  it('answers once for every program type', () => {
    const rows = native.probePrograms();
    assert.deepEqual(rows.map((row) => row.type).sort(), programTypes);
    for (const row of rows) {
      assert.ok(answers.includes(row.loads), `${row.type} loads: ${row.loads}`);
      assert.ok(answers.includes(row.attaches), `${row.type} attaches: ${row.attaches}`);
      assert.notEqual(row.use, '', row.type);
    }
  });

  it('says why whenever it does not say yes', () => {
    for (const row of native.probePrograms()) {
      if (row.loads !== 'yes') assert.match(row.detail, /^load: /, row.type);
      else if (row.attaches !== 'yes') assert.match(row.detail, /^attach: /, row.type);
    }
    for (const row of native.probeFeatures()) {
      if (row.answer !== 'yes') assert.notEqual(row.detail, '', row.name);
    }
  });

  it('never says that a program attaches which does not load', () => {
    for (const row of native.probePrograms()) {
      if (row.loads !== 'yes') assert.equal(row.attaches, row.loads, row.type);
    }
  });

  for (const type of ['sock_ops', 'sk_msg', 'sk_skb', 'sk_reuseport', 'sk_lookup']) {
    it(`finds that ${type} loads and attaches`, () => {
      const row = native.probePrograms().find((each) => each.type === type);
      assert.deepEqual([row?.loads, row?.attaches], ['yes', 'yes'], row?.detail);
    });
  }

  it('answers once for every feature', () => {
    const rows = native.probeFeatures();
    assert.deepEqual(rows.map((row) => row.name).sort(), features);
    for (const row of rows) {
      assert.ok(answers.includes(row.answer), `${row.name}: ${row.answer}`);
      assert.match(row.since, /^\d+\.\d+$/, row.name);
    }
  });

  it('leaves no cgroup, no descriptor and no other network namespace', () => {
    const before = { descriptors: descriptors(), namespace: readlinkSync('/proc/self/ns/net') };
    native.probePrograms();
    native.probeFeatures();
    assert.deepEqual({ descriptors: descriptors(), namespace: readlinkSync('/proc/self/ns/net') }, before);
    assert.deepEqual(leftCgroups(), []);
  });

  it('takes less than two seconds', () => {
    const start = performance.now();
    native.probePrograms();
    native.probeFeatures();
    assert.ok(performance.now() - start < 2000 * SLOWNESS);
  });

  it('runs in a worker thread', async () => {
    assert.equal(await rowsFromWorker(), programTypes.length);
    assert.deepEqual(leftCgroups(), []);
  });
});
