// SPDX-License-Identifier: Apache-2.0
/** UDP sockets that share a port, on the real kernel: who sent before meets the same worker again. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, it } from 'mocha';
import '../helpers/kernel-lock.js';
import { groupOf, listeners, onGround, PORT, type Ground, type Storm } from '../helpers/reuseport.js';
import type { Reuseport } from '../../agent/reuseport/reuseport.js';

const clients = (ground: Ground, options: object = {}): Promise<Storm & { moved: number }> =>
  ground.storm({ udp: true, count: 64, each: 10, timeout: 1, ...options }) as Promise<Storm & { moved: number }>;

const ready = (ground: Ground, reuseport: Reuseport, count: number) => listeners(ground, reuseport, count, 'ready', PORT, 'udp');

describe('reuseport: datagrams', () => {
  for (const [family, host] of [['ipv4', '127.0.0.1'], ['ipv6', '::1']] as const) {
    it(`over ${family} each client keeps its worker, and every worker has clients`, () => onGround(async (ground) => {
      await ground.workers({ workers: 4, udp: true, family });
      const reuseport = await ground.balance();
      const { balanced, policy, protocol } = await groupOf(ground, reuseport, PORT, 'udp');
      assert.deepEqual([balanced, policy, protocol], [true, 'sticky', 'udp']);
      const { by, moved, silent } = await clients(ground, { host });
      assert.deepEqual([moved, silent, Object.keys(by).length], [0, 0, 4]);
    }));
  }

  it('a worker that comes takes its share and no more; one that goes leaves only its own clients', () => onGround(async (ground) => {
    const workers = await ground.workers({ workers: 3, udp: true });
    const reuseport = await ground.balance();
    const steady = ground.python('datagrams.py', { port: PORT, clients: 120 });
    const where = async (): Promise<string[]> => {
      steady.say();
      const { answers } = await steady.next() as { answers: string[] };
      assert.ok(answers.every((answer) => answer !== ''), 'a datagram was lost');
      return answers;
    };
    await steady.next();
    const before = await where();
    const fourth = await workers.start();
    await clients(ground, { count: 2, each: 1 });
    await ready(ground, reuseport, 4);
    const joined = await where();
    const moved = joined.filter((pid, index) => pid !== before[index]);
    assert.ok(moved.every((pid) => pid === String(fourth)), 'somebody moved between two old workers');
    assert.ok(moved.length > 10 && moved.length < 60, `${moved.length} of 120 moved`);
    await workers.leave(fourth);
    assert.deepEqual(await where(), before);
  }));

  it('a worker that is stopped loses what was sent to it, and gets nothing more until it goes on', () => onGround(async (ground) => {
    const workers = await ground.workers({ workers: 3, udp: true });
    const reuseport = await ground.balance();
    const [stuck] = workers.pids as [number];
    await workers.tell(`pause ${stuck}`);
    await clients(ground, { each: 1, count: 20, timeout: 0.05 });
    await sleep(2200);
    const { silent, by } = await clients(ground);
    assert.deepEqual([silent, by[stuck]], [0, undefined]);
    await workers.tell(`resume ${stuck}`);
    await ready(ground, reuseport, 3);
    assert.ok((await clients(ground)).by[stuck]! > 0);
  }));

  it('rp-dead-workers-selected: five rotations while old workers stay open and dead; 1000 new clients are all answered', () => onGround(async (ground) => {
    const workers = await ground.workers({ workers: 2, udp: true });
    const reuseport = await ground.balance();
    for (let round = 0; round < 5; round++) {
      const old = [...workers.pids];
      await reuseport.rotate(({ first }) => first.port === PORT);
      for (let started = 0; started < 2; started++) workers.pids.push(await workers.start());
      await clients(ground, { count: 2, each: 1 });
      await ready(ground, reuseport, 2);
      for (const pid of old) await workers.tell(`pause ${pid}`);
      workers.pids = workers.pids.filter((pid) => !old.includes(pid));
      const { silent, by } = await clients(ground, { count: 200, each: 1 });
      assert.deepEqual([silent, old.some((pid) => String(pid) in by)], [0, false], `round ${round}`);
    }
  }));

  it('by least queue, for servers whose workers can all answer: datagrams spread and none is lost', () => onGround(async (ground) => {
    await ground.workers({ workers: 4, udp: true });
    await ground.balance({ 'reuseport.udpPolicy': 'least-queue' });
    const { by, silent } = await clients(ground, { count: 10, each: 40 });
    assert.deepEqual([silent, Object.keys(by).length], [0, 4]);
    assert.ok(Object.values(by).every((count) => Math.abs(count - 100) <= 5), JSON.stringify(by));
  }));
});
