// SPDX-License-Identifier: Apache-2.0
/** Listeners that share a port, on the real kernel: found, chosen, balanced, given back. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, it } from 'mocha';
import '../helpers/kernel-lock.js';
import { eventually } from '../helpers/kernel.js';
import { choosers, groupOf, listeners, onGround, PORT, spreads, well, type Ground, type Workers } from '../helpers/reuseport.js';

/** A worker that is at work when its turn comes is passed over on purpose; what is shown with this is how even the turns are. */
const turnsOnly = { 'reuseport.busyAfter': '0' };

describe('reuseport: balancing', () => {
  for (const family of ['ipv4', 'ipv6'] as const) {
    it(`storms of 200 and 2000 connections over ${family}: the busiest worker takes at most 5 % more than the mean`, () => onGround(async (ground) => {
      const workers = await ground.workers({ workers: 4, family });
      const host = family === 'ipv6' ? '::1' : '127.0.0.1';
      const reuseport = await ground.balance(turnsOnly);
      assert.deepEqual((await groupOf(ground, reuseport)).listeners.map(({ pid }) => pid).sort(), [...workers.pids].sort());
      // The hash of the kernel is that even in one storm of fifty.
      await spreads(ground, 1.03, { count: 200, hold: true, host });
      await spreads(ground, 1.01, { count: 2000, hold: true, host });
      const given = (await groupOf(ground, reuseport)).listeners.reduce((sum, { selected }) => sum + selected, 0);
      assert.equal(given % 200, 0);
    }));
  }

  it('one dual-stack group takes clients of both families', () => onGround(async (ground) => {
    await ground.workers({ workers: 4, family: 'ipv6' });
    await ground.balance(turnsOnly);
    for (const host of ['127.0.0.1', '::1']) await spreads(ground, 1.02, { count: 400, host, hold: true });
  }));

  it('the hash of the kernel does not pass for even', () => onGround(async (ground) => {
    await ground.workers({ workers: 4 });
    await assert.rejects(spreads(ground, 1.01, { count: 2000, hold: true }), /one connection at a time, and not in turn/);
  }));

  it('rp-uneven: 8 workers, 16 and 64 long connections differ by at most one', () => onGround(async (ground) => {
    const workers = await ground.workers({ workers: 8 });
    await ground.balance();
    for (const count of [16, 64]) {
      const before = await workers.counts();
      await ground.storm({ count, wide: 1, hold: true });
      const took = [...(await workers.counts())].map(([pid, now]) => now - before.get(pid)!);
      assert.ok(Math.max(...took) - Math.min(...took) <= 1, `${count}: ${took.join(' ')}`);
    }
  }));

  it('by weight: three connections to one for a name that weighs three', () => onGround(async (ground) => {
    const workers = await ground.workers({ workers: 4, names: ['alpha', 'beta'] });
    await ground.balance({ 'reuseport.policy': 'weighted', 'reuseport.weights': 'program:alpha = 3' });
    await ground.storm({ count: 800 });
    const [first, second, third, fourth] = workers.pids;
    const counts = await workers.counts();
    for (const pid of [first!, third!]) assert.ok(Math.abs(counts.get(pid)! - 300) <= 6, JSON.stringify([...counts]));
    for (const pid of [second!, fourth!]) assert.ok(Math.abs(counts.get(pid)! - 100) <= 6, JSON.stringify([...counts]));
  }));

  it('in turn: each worker gets the same, whatever its queue', () => onGround(async (ground) => {
    const workers = await ground.workers({ workers: 3 });
    await ground.balance({ 'reuseport.policy': 'round-robin' });
    await ground.storm({ count: 300 });
    for (const [, count] of await workers.counts()) assert.ok(Math.abs(count - 100) <= 1);
  }));

  it('by CPU: connections stay with the workers of the processor where they arrive', () => onGround(async (ground) => {
    const workers = await ground.workers({ workers: 4, cpus: [0, 1] });
    await ground.balance({ 'reuseport.policy': 'cpu' });
    await ground.storm({ count: 300, cpu: 1 });
    const counts = await workers.counts();
    const [a, b, c, d] = workers.pids.map((pid) => counts.get(pid)!);
    assert.deepEqual([a! + c!, b! + d!], [0, 300]);
  }));

  it('by client: an address always meets the same worker, different ones spread, and one that leaves moves only its own', () => onGround(async (ground) => {
    const workers = await ground.workers({ workers: 4 });
    await ground.balance({ 'reuseport.policy': 'sticky' });
    const sources = Array.from({ length: 32 }, (_, number) => `127.0.1.${number + 1}`);
    const where = async (): Promise<string[]> => {
      const answers: string[] = [];
      for (const source of sources) {
        const { by } = await ground.storm({ count: 5, source });
        assert.equal(Object.keys(by).length, 1, `${source}: ${JSON.stringify(by)}`);
        answers.push(...Object.keys(by));
      }
      return answers;
    };
    const before = await where();
    assert.equal(new Set(before).size, 4);
    const [gone] = workers.pids;
    await workers.leave(gone!);
    const now = await where();
    for (const [index, pid] of before.entries()) if (pid !== String(gone)) assert.equal(now[index], pid);
  }));

  it('a worker that is started gets nothing in its grace time, and its share afterwards', () => onGround(async (ground) => {
    const workers = await ground.workers({ workers: 2 });
    const reuseport = await ground.balance({ 'reuseport.graceTime': '2s' });
    const pid = await workers.start();
    await ground.storm({ count: 10 });
    await listeners(ground, reuseport, 1, 'new');
    await ground.storm({ count: 100 });
    assert.equal((await workers.counts()).get(pid), 0);
    await listeners(ground, reuseport, 3);
    await ground.storm({ count: 300 });
    const got = (await workers.counts()).get(pid)!;
    assert.ok(got >= 50, `${got} of 300`);
  }));

  describe('a worker that is busy with what it has accepted', () => {
    /** Connections, one after the other or all at once, that it got while it was busy, and how many all got. */
    const whileBusy = async (ground: Ground, settings: Record<string, string>, storm: object): Promise<{ got: number; all: number; workers: Workers; pid: number; state: string }> => {
      const workers = await ground.workers({ workers: 4 });
      const reuseport = await ground.balance(settings);
      await ground.storm({ count: 40, wide: 1 });
      const [pid] = workers.pids as [number];
      await workers.tell(`work ${pid}`);
      await sleep(100);
      const { by, ...bad } = await ground.storm(storm);
      assert.deepEqual(bad, well);
      const { state } = (await groupOf(ground, reuseport)).listeners.find((listener) => listener.pid === pid)!;
      return { state, got: by[pid] ?? 0, all: Object.values(by).reduce((sum, one) => sum + one, 0), workers, pid };
    };

    it('gets nothing while others wait for work, and its turns afterwards', () => onGround(async (ground) => {
      const { got, all, workers, pid, state } = await whileBusy(ground, {}, { count: 30, wide: 1 });
      assert.deepEqual([got, all, state], [0, 30, 'busy']);
      await sleep(2000);
      const before = (await workers.counts()).get(pid)!;
      await ground.storm({ count: 90, wide: 1 });
      const gained = (await workers.counts()).get(pid)! - before;
      assert.ok(gained >= 20 && gained <= 25, `${gained} of 90: its turns, and none of those that it missed`);
    }));

    it('gets its share where busyAfter is 0', () => onGround(async (ground) => {
      const { got, all } = await whileBusy(ground, { 'reuseport.busyAfter': '0' }, { count: 16, wide: 16 });
      assert.deepEqual([got, all], [4, 16]);
    }));

    it('is served when all are', () => onGround(async (ground) => {
      const workers = await ground.workers({ workers: 2 });
      await ground.balance();
      await ground.storm({ count: 20, wide: 1 });
      for (const pid of workers.pids) await workers.tell(`work ${pid}`);
      await sleep(100);
      const { by, ...bad } = await ground.storm({ count: 10, wide: 10 });
      assert.deepEqual(bad, well);
      assert.deepEqual(Object.values(by).sort(), [5, 5]);
    }));
  });

  it('a group of one is served, and so is what is left of a group whose workers are killed', () => onGround(async (ground) => {
    const workers = await ground.workers({ workers: 3 });
    const reuseport = await ground.balance();
    for (const pid of workers.pids.slice(1)) await workers.tell(`kill ${pid}`);
    const { by, ...bad } = await ground.storm({ count: 100 });
    assert.deepEqual([bad, by], [well, { [workers.pids[0]!]: 100 }]);
    await listeners(ground, reuseport, 1);
    assert.equal((await groupOf(ground, reuseport)).listeners.length, 1);
  }));

  it('a group of 256 is balanced, and one more is too many', () => onGround(async (ground) => {
    const workers = await ground.workers({ workers: 256 });
    const reuseport = await ground.balance();
    await listeners(ground, reuseport, 256);
    const { by, ...bad } = await ground.storm({ count: 1024 });
    assert.deepEqual(bad, well);
    assert.ok(Object.keys(by).length >= 200, `${Object.keys(by).length} of 256 workers got something`);
    assert.ok(Math.max(...Object.values(by)) <= 16, 'of two at random the one whose turn is earlier');
    await workers.start();
    await eventually(async () => { const { why } = await groupOf(ground, reuseport); return why === 'too_many' ? '' : why; });
    assert.deepEqual({ ...(await ground.storm({ count: 300 })), by: 0 }, { ...well, by: 0 }, 'the hash of the kernel serves it');
  })).timeout(60_000);

  it('a socket that is bound and does not listen is nobody, and listen() called twice changes nothing', () => onGround(async (ground) => {
    const workers = await ground.workers({ workers: 2 });
    await workers.tell('bind');
    const reuseport = await ground.balance(turnsOnly);
    const before = await listeners(ground, reuseport, 2);
    await workers.tell(`listen ${workers.pids[0]!}`);
    await spreads(ground, 1.1, { count: 200 });
    const after = await listeners(ground, reuseport, 2);
    assert.deepEqual(after.listeners.map(({ cookie }) => cookie).sort(), before.listeners.map(({ cookie }) => cookie).sort());
    assert.equal(after.why, 'balanced');
  }));

  it('one whose queue is full, or all of whose listeners are new, is served all the same', () => onGround(async (ground) => {
    const workers = await ground.workers({ workers: 1 });
    await ground.balance({ 'reuseport.graceTime': '1m' });
    const [old] = workers.pids;
    await workers.start();
    await ground.storm({ count: 10 });
    await workers.leave(old!);
    const { by, ...bad } = await ground.storm({ count: 50 });
    assert.deepEqual([bad, Object.values(by)], [well, [50]]);
  }));
});

describe('reuseport: choice', () => {
  it('nothing is touched that no list names, and a reload that names it is followed', () => onGround(async (ground) => {
    await ground.workers({ workers: 2, names: ['served'] });
    const reuseport = await ground.balance({ 'reuseport.include': '' });
    assert.equal((await groupOf(ground, reuseport)).why, 'not_chosen');
    for (const [settings, why] of [
      [{ 'reuseport.include': 'program:served' }, 'balanced'],
      [{ 'reuseport.exclude': 'program:served' }, 'excluded'],
      [{ 'reuseport.include': 'port:8000-8100' }, 'balanced'],
      [{ 'reuseport.include': 'port:8000-8100 program:other' }, 'not_chosen'],
      [{ 'reuseport.include': 'port:1-65535', 'reuseport.exclude': `port:${PORT}` }, 'excluded'],
    ] as const) {
      reuseport.configure(ground.config(settings));
      assert.equal((await groupOf(ground, reuseport)).why, why, JSON.stringify(settings));
      // As of the next look: what the kernel says, not what was asked of it.
      assert.equal((await groupOf(ground, reuseport)).program?.name, why === 'balanced' ? 'sidestep_reuse' : undefined, JSON.stringify(settings));
    }
  }));

  it('a group that has a filter of its own is left alone and named', () => onGround(async (ground) => {
    await ground.workers({ workers: 3, filter: true });
    const reuseport = await ground.balance();
    const { why, program } = await groupOf(ground, reuseport);
    assert.deepEqual([why, program], ['foreign', { id: 0, name: 'a classic filter' }]);
    const { by } = await ground.storm({ count: 90 });
    assert.deepEqual(Object.values(by), [90], 'its own choice was not kept');
    assert.ok(ground.lines.some(({ msg, why: said }) => msg === 'a group of listeners was chosen and is not balanced' && said === 'foreign'));
  }));

  it('a filter that comes later than ours is left alone too, and what was written of the group is forgotten', () => onGround(async (ground) => {
    const workers = await ground.workers({ workers: 2 });
    const reuseport = await ground.balance();
    assert.equal((await groupOf(ground, reuseport)).why, 'balanced');
    await workers.tell('filter');
    await eventually(async () => ((await groupOf(ground, reuseport)).why === 'foreign' ? '' : 'not seen'));
    const { listeners: left } = await groupOf(ground, reuseport);
    assert.ok(left.every(({ state }) => state === 'unlisted'));
    assert.deepEqual(Object.values((await ground.storm({ count: 20 })).by), [20]);
  }));

  it('rp-program-outlives-owner: switched off, the group has no program, and neither has a listener that comes then', () => onGround(async (ground) => {
    const workers = await ground.workers({ workers: 2 });
    const reuseport = await ground.balance();
    assert.equal(choosers(ground).length, 1);
    reuseport.configure(ground.config({ 'reuseport.enabled': 'false' }));
    await eventually(() => (choosers(ground).length === 0 ? '' : 'the chooser is still loaded'));
    await workers.start();
    const observer = await ground.balance({ 'reuseport.include': '' });
    const { listeners: three, program, why } = await groupOf(ground, observer);
    assert.deepEqual([three.length, program, why], [3, undefined, 'not_chosen']);
    const { by, ...bad } = await ground.storm({ count: 300 });
    assert.deepEqual([bad, Object.keys(by).length], [well, 3]);
  }));
});
