// SPDX-License-Identifier: Apache-2.0
/** Listeners that come, go, stop and die, on the real kernel: whoever connects is served. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, it } from 'mocha';
import '../helpers/kernel-lock.js';
import { eventually } from '../helpers/kernel.js';
import { choosers, groupOf, listeners, onGround, PORT, spreads, well, type Ground, type Workers } from '../helpers/reuseport.js';

/** Rounds of a replacement: few in every run, as many as SIDESTEP_ROUNDS says on demand. */
const rounds = Number(process.env['SIDESTEP_ROUNDS'] ?? 5);

async function underLoad(ground: Ground, work: () => Promise<void>): Promise<number> {
  const load = ground.python('steady.py', { port: PORT });
  await load.next();
  await work();
  load.say('stop');
  const { answered, ...bad } = (await load.end()).at(-1) as { answered: number };
  assert.deepEqual(bad, well);
  return answered;
}

async function replaceAll(workers: Workers): Promise<void> {
  const old = [...workers.pids];
  for (const pid of old) {
    await workers.start();
    await workers.leave(pid);
  }
}

describe('reuseport: listeners that close', () => {
  it('rp-accept-queue-reset, rp-migrated-not-woken: 200 clients, a hundred at a worker that accepts none and dies; the other is woken and serves all', () => onGround(async (ground) => {
    const workers = await ground.workers({ workers: 2 });
    const reuseport = await ground.balance({ 'reuseport.policy': 'round-robin', 'reuseport.stuckAfter': '0' });
    const [dies, lives] = workers.pids as [number, number];
    await workers.tell(`pause ${dies}`);
    const storm = ground.storm({ count: 200, wide: 200, timeout: 10 });
    await eventually(async () => {
      const waiting = (await groupOf(ground, reuseport)).listeners.find(({ pid }) => pid === dies)!.depth;
      return waiting === 100 ? '' : `${waiting} wait`;
    });
    // From here on nobody connects: a listener that is not woken by the migration itself sleeps on.
    await workers.tell(`kill ${dies}`);
    const { by, ...bad } = await storm;
    assert.deepEqual([bad, by], [well, { [lives]: 200 }]);
    const { listeners: left } = await groupOf(ground, reuseport);
    assert.deepEqual(left.map(({ pid, migrated }) => [pid, migrated]), [[lives, 100]]);
    assert.deepEqual((await reuseport.view()).sysctl.filter(({ on }) => on), [], 'the sysctl was not needed');
  }));

  it(`all workers are replaced under load, ${rounds} rounds: no connection is refused, reset or left waiting`, () => onGround(async (ground) => {
    const workers = await ground.workers({ workers: 3 });
    const reuseport = await ground.balance({ 'reuseport.graceTime': '50ms' });
    const answered = await underLoad(ground, async () => {
      for (let round = 0; round < rounds; round++) await replaceAll(workers);
    });
    assert.ok(answered > rounds * 10, `only ${answered} connections`);
    assert.equal((await listeners(ground, reuseport, 3)).why, 'balanced');
  })).timeout(20_000 + rounds * 4000);

  it('rp-parent-stops-before-child-listens: the old ones go while new ones are still to come', () => onGround(async (ground) => {
    const workers = await ground.workers({ workers: 2 });
    await ground.balance();
    await underLoad(ground, async () => {
      for (let round = 0; round < 5; round++) {
        const old = [...workers.pids];
        await workers.start();
        for (const pid of old) await workers.leave(pid);
        await sleep(50);
        await workers.start();
      }
    });
  }));

  it('rp-table-not-shrunk: 8 workers become 2, and the table of sockets has exactly those', () => onGround(async (ground) => {
    const workers = await ground.workers({ workers: 8 });
    const reuseport = await ground.balance();
    for (const pid of workers.pids.slice(2)) await workers.leave(pid);
    const { listeners: left } = await listeners(ground, reuseport, 2);
    const maps = JSON.parse(execFileSync('bpftool', ['-j', 'map', 'show'], { encoding: 'utf8' })) as { id: number; name?: string }[];
    const table = maps.filter(({ name }) => name === 'reuse_sockets').at(-1)!;
    const rows = JSON.parse(execFileSync('bpftool', ['-j', 'map', 'dump', 'id', String(table.id)], { encoding: 'utf8' })) as { value: string[] | { error: string } }[];
    const cookies = rows.flatMap(({ value }) => (Array.isArray(value) ? [BigInt(`0x${[...value].reverse().map((byte) => byte.slice(2)).join('')}`)] : []));
    assert.deepEqual(cookies.map(String).sort(), left.map(({ cookie }) => cookie).sort());
  }));

  it('rp-program-replaced-under-traffic: sixteen workers join under load, and the group keeps the one program that it got', () => onGround(async (ground) => {
    const workers = await ground.workers({ workers: 1 });
    const reuseport = await ground.balance();
    const { programId } = (await reuseport.view()).chooser!;
    const seen = new Set<number | undefined>();
    await underLoad(ground, async () => {
      for (let joined = 0; joined < 16; joined++) {
        await workers.start();
        seen.add((await groupOf(ground, reuseport)).program?.id);
      }
    });
    assert.deepEqual([[...seen], choosers(ground)], [[programId], [programId]]);
    assert.ok(ground.lines.filter(({ msg }) => msg === 'balancing a group of listeners').length === 1);
  }));
});

describe('reuseport: listeners that do not accept', () => {
  it('a worker that is stopped gets nothing after a second, and its share again when it goes on', () => onGround(async (ground) => {
    const workers = await ground.workers({ workers: 4 });
    const reuseport = await ground.balance();
    const [stuck] = workers.pids as [number];
    await workers.tell(`pause ${stuck}`);
    const early = ground.storm({ count: 40, wide: 40, timeout: 15 });
    await sleep(1000);
    const { by, ...bad } = await ground.storm({ count: 600 });
    assert.deepEqual([bad, by[stuck]], [well, undefined]);
    // Busy, if it was given nothing at all.
    assert.match((await groupOf(ground, reuseport)).listeners.find(({ pid }) => pid === stuck)!.state, /^(stuck|busy)$/);
    await workers.tell(`resume ${stuck}`);
    assert.deepEqual({ ...(await early), by: 0 }, { ...well, by: 0 }, 'what waited there was served');
    await listeners(ground, reuseport, 4);
    const after = await ground.storm({ count: 600 });
    assert.ok(after.by[stuck]! >= 75, JSON.stringify(after.by));
  }));

  it('one client every half a second is enough to tell: none after the first is given to the stopped worker', () => onGround(async (ground) => {
    const workers = await ground.workers({ workers: 2 });
    await ground.balance({ 'reuseport.policy': 'round-robin' });
    const [stuck] = workers.pids as [number];
    await workers.tell(`pause ${stuck}`);
    const lonely = Array.from({ length: 8 }, async (_, number) => {
      await sleep(number * 500);
      return ground.storm({ count: 1, timeout: 6 });
    });
    await sleep(4500);
    await workers.tell(`resume ${stuck}`);
    const late = (await Promise.all(lonely)).slice(3);
    assert.ok(late.every(({ by, silent }) => silent === 0 && by[stuck] === undefined), JSON.stringify(late));
  }));

  it('when all are stopped, connections wait where the kernel would have put them, and nobody is refused', () => onGround(async (ground) => {
    const workers = await ground.workers({ workers: 2 });
    await ground.balance();
    for (const pid of workers.pids) await workers.tell(`pause ${pid}`);
    const first = ground.storm({ count: 20, timeout: 15 });
    await sleep(1000);
    const second = ground.storm({ count: 20, timeout: 15 });
    await sleep(500);
    for (const pid of workers.pids) await workers.tell(`resume ${pid}`);
    for (const { by, ...bad } of [await first, await second]) assert.deepEqual([bad, Object.values(by).reduce((a, b) => a + b)], [well, 20]);
  }));

  it('rp-drain-keeps-listening: after a rotation the old ones may stop accepting and stay open; 1000 connections meet new ones', () => onGround(async (ground) => {
    const workers = await ground.workers({ workers: 2 });
    const reuseport = await ground.balance();
    const old = [...workers.pids];
    assert.equal((await reuseport.rotate(({ first }) => first.port === PORT)).length, 1);
    // Until there is a new one, the old ones serve.
    assert.deepEqual({ ...(await ground.storm({ count: 50 })), by: 0 }, { ...well, by: 0 });
    for (let started = 0; started < 2; started++) await workers.start();
    await ground.storm({ count: 10 });
    await listeners(ground, reuseport, 2);
    for (const pid of old) await workers.tell(`pause ${pid}`);
    const { by, ...bad } = await ground.storm({ count: 1000 });
    assert.deepEqual([bad, old.some((pid) => String(pid) in by)], [well, false]);
    await spreads(ground, 1.25, { count: 1000 });
    assert.equal((await groupOf(ground, reuseport)).listeners.filter(({ state }) => state === 'draining').length, 2);
  }));

  it('generations by process group: a second server on the port takes over by itself, and a worker that the first starts anew does not', () => onGround(async (ground) => {
    const first = await ground.workers({ workers: 2, ownGroup: true });
    const reuseport = await ground.balance({ 'reuseport.generations': 'auto' });
    const second = await ground.workers({ workers: 2, ownGroup: true });
    await ground.storm({ count: 10 });
    await listeners(ground, reuseport, 2, 'draining');
    const third = await first.start();
    await ground.storm({ count: 10 });
    await listeners(ground, reuseport, 3, 'draining');
    const { by } = await ground.storm({ count: 100 });
    assert.deepEqual(Object.keys(by).sort(), second.pids.map(String).sort());
    assert.ok(!(String(third) in by));
  }));
});
