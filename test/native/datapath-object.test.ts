// SPDX-License-Identifier: Apache-2.0
// The datapath object says what is wrong with a call, and never outlives its close.
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { REASON_NAMES } from '../../agent/datapath/reasons.js';
import { native, type NativeDatapath } from '../../native/index.js';
import { bpfObjects, noneSince } from '../helpers/bpf-objects.js';
import { optionsFor, withDatapath } from '../helpers/datapath.js';
import { freshName } from '../helpers/kernel.js';
import { eventually } from '../helpers/kernel-lock.js';

const construct = (options: unknown): (() => NativeDatapath) => () => new (native.NativeDatapath as unknown as new (options: unknown) => NativeDatapath)(options);

const SOMEBODY = { id: '00000000000000aa', pid: 1, comm: 'somebody', cgroup: '1', exeInode: '2', exeDev: '3', exeChanged: '4' };
const NOTHING = { client: false, server: false, wary: false, hazard: '', blocking: false, plain: false };

const METHODS: [string, (datapath: NativeDatapath) => unknown][] = [
  ['info', (datapath) => datapath.info()],
  ['counters', (datapath) => datapath.counters()],
  ['pairs', (datapath) => datapath.pairs()],
  ['edges', (datapath) => datapath.edges()],
  ['maps', (datapath) => datapath.maps()],
  ['profiles', (datapath) => datapath.profiles()],
  ['processes', (datapath) => datapath.processes()],
  ['seed', (datapath) => datapath.seed(SOMEBODY, NOTHING)],
  ['forget', (datapath) => datapath.forget(SOMEBODY.id)],
  ['setRepute', (datapath) => datapath.setRepute(SOMEBODY, null)],
  ['applyWindow', (datapath) => datapath.applyWindow({ windowMs: 1, windowConnections: 1, windowBytes: 1 })],
  ['applyPlacement', (datapath) => datapath.applyPlacement({ streamMessages: 1, streamNs: 1, streamBytes: 1, stayMs: 1, briefTurns: 0, follow: 1, refreshMs: 0 })],
  ['applySettings', (datapath) => datapath.applySettings({ enabled: true, observe: false, queueBytes: 1 })],
  ['applyScope', (datapath) => { datapath.applyScope([]); }],
  ['onEvents', (datapath) => datapath.onEvents(() => undefined)],
  ['retirePass', (datapath) => datapath.retirePass()],
  ['learnPass', (datapath) => datapath.learnPass()],
  ['placePass', (datapath) => datapath.placePass()],
  ['adoptListeners', (datapath) => datapath.adoptListeners()],
  ['findOpen', (datapath) => datapath.findOpen()],
  ['drainPass', (datapath) => datapath.drainPass()],
  ['uninstall', (datapath) => datapath.uninstall()],
];

describe('datapath object', () => {
  it('names the option that is wrong', () => {
    const good = optionsFor(freshName());
    for (const [key, value] of Object.entries(good)) {
      for (const wrong of [undefined, null, {}, typeof value === 'string' ? 1 : 'text', typeof value === 'boolean' ? 1 : true]) {
        assert.throws(construct({ ...good, [key]: wrong }), (error: Error) => error instanceof TypeError && error.message.includes(key), `${key}: ${JSON.stringify(wrong)}`);
      }
    }
    for (const wrong of [0, -1, NaN, 2 ** 32, Infinity]) assert.throws(construct({ ...good, maxPairs: wrong }), TypeError, String(wrong));
    for (const wrong of [undefined, null, 'text', 1]) assert.throws(construct(wrong), TypeError);
  });

  it('names the setting and the argument that are wrong', () => withDatapath({}, (t) => {
    const call = t.native as unknown as Record<string, (...args: unknown[]) => unknown>;
    for (const wrong of [undefined, {}, { enabled: 1, observe: false, queueBytes: 1 }, { enabled: true, observe: false, queueBytes: 0 }]) {
      assert.throws(() => call['applySettings']!(wrong), TypeError);
    }
    assert.throws(() => call['onEvents']!(undefined), TypeError);
    assert.throws(() => call['onEvents']!(() => undefined), /a listener is there already/);
    for (const wrong of ['', 'x', '0123456789abcdeg', '0123456789ABCDEF', '0123456789abcdef0']) assert.throws(() => call['retirePass']!(wrong), TypeError, wrong);
    return Promise.resolve();
  }));

  for (const [name, call] of METHODS) {
    it(`${name}() after close says "closed"`, () => withDatapath({}, async (t) => {
      t.native.close();
      t.native.close();
      await assert.rejects(async () => { await call(t.native); }, { code: 'closed' });
      t.open();
    }));
  }

  it('uninstall closes; a second one says "closed"', () => withDatapath({}, (t) => {
    t.native.uninstall();
    t.native.close();
    assert.throws(() => t.native.uninstall(), { code: 'closed' });
    return Promise.resolve();
  }));

  it('close while passes are under way lets them finish', () => withDatapath({}, async (t) => {
    const passes = [t.native.retirePass(), t.native.learnPass(), t.native.adoptListeners()];
    t.native.close();
    await Promise.all(passes);
    t.open();
  }));

  it('30 times open and closed: no descriptor, program or map is left', async () => {
    const before = bpfObjects();
    const descriptors = (): number => readdirSync('/proc/self/fd').length;
    let start = 0;
    await withDatapath({}, (t) => {
      t.native.close();
      start = descriptors();
      for (let turn = 0; turn < 30; turn++) {
        t.open();
        t.native.close();
      }
      return eventually(() => (descriptors() <= start ? '' : `${descriptors()} descriptors, ${start} at the start`)).then(() => { t.open(); });
    });
    await noneSince(before);
  }).timeout(60_000);

  for (const how of ['close', 'uninstall', 'terminate', 'exit'] as const) {
    it(`in a worker thread that ends by ${how}`, () => withDatapath({}, async (t) => {
      t.native.close();
      const body = `import(${JSON.stringify(new URL('../../native/index.js', import.meta.url).href)}).then(({ native }) => {
        const { parentPort, workerData } = require('node:worker_threads');
        const datapath = new native.NativeDatapath(workerData);
        datapath.onEvents(() => undefined);
        parentPort.postMessage(datapath.pairs().length);
        ({ close: () => datapath.close(), uninstall: () => datapath.uninstall(), exit: () => process.exit(0), terminate: () => setInterval(() => 0, 1000) })[${JSON.stringify(how)}]();
      })`;
      const worker = new Worker(body, { eval: true, workerData: t.options });
      const ended = new Promise<void>((resolve, reject) => {
        worker.on('error', reject);
        worker.on('exit', () => resolve());
      });
      const pairs = await new Promise<unknown>((resolve, reject) => {
        worker.on('message', resolve);
        worker.on('error', reject);
      });
      assert.equal(pairs, 0);
      if (how === 'terminate') await worker.terminate();
      await ended;
      t.open();
      assert.equal(t.tookOver, how !== 'uninstall');
    }));
  }

  it('an open datapath with a listener does not hold the process', () => withDatapath({}, async (t) => {
    t.native.close();
    const script = `const { native } = await import(${JSON.stringify(new URL('../../native/index.js', import.meta.url).href)});
      new native.NativeDatapath(${JSON.stringify(t.options)}).onEvents(() => undefined);`;
    await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], { timeout: 10_000 });
    t.open();
  }));

  it('a lock that is held names the process that holds it', () => {
    const path = mkdtempSync(join(tmpdir(), 'ss-lock-'));
    const release = native.lockDirectory(path);
    const script = `const { native } = await import(${JSON.stringify(new URL('../../native/index.js', import.meta.url).href)});
      try { native.lockDirectory(${JSON.stringify(path)}); } catch ({ code, pid }) { console.log(JSON.stringify({ code, pid })); }`;
    const attempt = (): string => execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' }).trim();
    try {
      assert.deepEqual(JSON.parse(attempt()), { code: 'locked', pid: process.pid });
      release();
      assert.equal(attempt(), '');
      release();
    } finally {
      release();
      rmdirSync(path);
    }
  });

  it('knows the reasons of agent/datapath/reasons.ts, in their order', () => {
    assert.deepEqual(native.reasonNames, REASON_NAMES);
  });
});
