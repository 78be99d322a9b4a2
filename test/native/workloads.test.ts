// SPDX-License-Identifier: Apache-2.0
// What the agent knows is added to what the kernel sees, and never takes anything of it back.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync, statSync } from 'node:fs';
import type { Profile } from '../../agent/datapath/types.js';
import type { NativeProcess } from '../../native/index.js';
import { withDatapath, type TestDatapath } from '../helpers/datapath.js';
import { eventually } from '../helpers/kernel-lock.js';

const clean = { client: true, server: true, wary: false, hazard: '', blocking: false, plain: false };
const nothing = { ...clean, client: false, server: false };
const row = (t: TestDatapath, id: string): Profile | undefined => (t.native.profiles() as Profile[]).find((one) => one.id === id);
const me = (t: TestDatapath): NativeProcess => t.native.processes(process.pid)[0]!;

describe('processes', () => {
  it('are named as /proc names them, each once, and only while they are there', () => withDatapath({}, (t) => {
    const all = t.native.processes();
    assert.equal(new Set(all.map(({ pid }) => pid)).size, all.length);
    const there = new Set(readdirSync('/proc').filter((name) => /^\d+$/.test(name)));
    assert.ok(all.filter(({ pid }) => there.has(String(pid))).length > all.length / 2);
    const { ino, dev, ctimeNs } = statSync('/proc/self/exe', { bigint: true });
    const own = me(t);
    assert.deepEqual([own.pid, own.exeInode, own.exeDev, own.exeChanged], [process.pid, String(ino), String(dev), String(ctimeNs)]);
    assert.equal(own.comm, readFileSync('/proc/self/comm', 'utf8').trim());
    assert.deepEqual(all.find(({ pid }) => pid === process.pid), own);
    assert.deepEqual(t.native.processes(2 ** 22 - 1), []);
    return Promise.resolve();
  }));
});

describe('what is known of a workload', () => {
  it('makes its row, and adds to one that is there', () => withDatapath({}, (t) => {
    const who = me(t);
    t.native.seed(who, { ...nothing, blocking: true, plain: true });
    const { comm, blocking, plain, known } = row(t, who.id)!;
    assert.deepEqual([comm, blocking, plain, known], [who.comm, true, true, false]);
    t.native.seed(who, clean);
    assert.deepEqual([row(t, who.id)!.blocking, row(t, who.id)!.known], [true, true]);
    assert.equal(t.native.forget(who.id), true);
    assert.equal(t.native.forget(who.id), false);
    assert.equal(row(t, who.id), undefined);
    return Promise.resolve();
  }));

  it('never takes a hazard back that was seen, whenever it comes', () => withDatapath({ trustListeners: false }, async (t) => {
    const program = t.start('splicing.py', { mode: 'first' });
    await program.end();
    const seen = (t.native.profiles() as Profile[]).find(({ hazard }) => hazard === 'splice')!;
    t.native.seed(seen, clean);
    assert.deepEqual([row(t, seen.id)!.hazard, row(t, seen.id)!.known], ['splice', true]);
    await t.start('splicing.py', { mode: 'first' }).end();
    assert.equal(t.counters().connections.redirected, 0);
  }));

  it('is announced when the workload first listens or connects, once', () => withDatapath({ trustListeners: false }, async (t) => {
    const actor = t.start('actor.py');
    await actor.next();
    const own = t.native.processes(actor.pid)[0]!;
    await eventually(() => (t.workloads.includes(own.id) ? '' : JSON.stringify(t.workloads)));
    actor.say('open');
    await actor.next();
    assert.equal(t.workloads.filter((id) => id === own.id).length, 1);
    actor.say('quit');
    await actor.end();
  }));

  it('of its program begins its row, and is gone from the kernel as soon as it shows otherwise', () => withDatapath({ trustListeners: false }, async (t) => {
    const first = t.start('actor.py');
    await first.next();
    const { exeInode, exeDev, exeChanged, comm } = t.native.processes(first.pid)[0]!;
    t.native.setRepute({ exeInode, exeDev, exeChanged, comm }, { client: true, server: true, wary: false, hazard: '' });
    const inside = (): { cgroup: string } => ({ cgroup: t.newCgroup(t.cgroup) });
    const known = t.start('actor.py', {}, inside());
    await known.next();
    await eventually(() => (t.counters().connections.redirected === 1 ? '' : JSON.stringify(t.counters().connections)));
    await t.start('splicing.py', { mode: 'first' }, inside()).end();
    const later = t.start('actor.py', {}, inside());
    await later.next();
    assert.equal(row(t, t.native.processes(later.pid)[0]!.id)?.known, false);
    for (const program of [first, known, later]) {
      program.say('quit');
      await program.end();
    }
  }));

  it('that its program may splice is no word for it, and gives way to what is known', () => withDatapath({}, (t) => {
    const who = me(t);
    t.native.seed(who, { ...nothing, wary: true });
    assert.equal(row(t, who.id)!.known, false);
    t.native.seed(who, clean);
    assert.equal(row(t, who.id)!.known, true);
    return Promise.resolve();
  }));

  it('is refused when it is not well-formed', () => withDatapath({}, (t) => {
    const who = me(t);
    for (const [wrong, habits] of [
      [{ ...who, exeInode: 7 }, clean], [{ ...who, exeChanged: '-1' }, clean], [{ ...who, id: 'x' }, clean], [{ ...who, comm: undefined }, clean],
      [who, { ...clean, client: 1 }], [who, { ...clean, hazard: 'boredom' }], [who, {}], [who, undefined], [undefined, clean],
    ] as unknown as [NativeProcess, typeof clean][]) assert.throws(() => t.native.seed(wrong, habits), TypeError);
    assert.throws(() => t.native.setRepute({ ...who, exeDev: '' }, clean), TypeError);
    assert.throws(() => t.native.applyWindow({ windowMs: -1, windowConnections: 1, windowBytes: 0 }), TypeError);
    assert.throws(() => t.native.applyWindow({ windowMs: 0, windowConnections: 0, windowBytes: 0 }), TypeError);
    assert.equal(row(t, who.id), undefined);
    return Promise.resolve();
  }));
});
