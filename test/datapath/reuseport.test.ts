// SPDX-License-Identifier: Apache-2.0
/** Listeners that share a port, on the real kernel: found, balanced, left alone, given back. */
import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import '../helpers/kernel-lock.js';
import { groupOf, listeners, onGround, skew } from '../helpers/reuseport.js';

describe('reuseport', () => {
  it('a server with four workers is found and balanced, and is the kernel\'s again at the end', () => onGround(async (ground) => {
    const workers = await ground.workers({ workers: 4 });
    const reuseport = await ground.balance();
    const { balanced, listeners } = await groupOf(reuseport);
    assert.deepEqual([balanced, listeners.map(({ pid }) => pid).sort()], [true, [...workers.pids].sort()]);

    const { by, refused, reset, silent } = await ground.storm({ count: 2000, hold: true });
    assert.deepEqual([refused, reset, silent], [0, 0, 0]);
    assert.ok(skew(Object.values(by)) <= 1.05, JSON.stringify(by));
    assert.equal((await groupOf(reuseport)).listeners.reduce((sum, { selected }) => sum + selected, 0), 2000);

    await reuseport.stop(false);
    await ground.storm({ count: 400 });
    const again = await ground.balance({ 'reuseport.ports': '' });
    const { why, listeners: unlisted } = await groupOf(again);
    assert.deepEqual([why, unlisted.every(({ state }) => state === 'unlisted')], ['not_chosen', true]);
  }));

  it('rp-uneven: 8 workers, 16 and 64 long connections differ by at most one', () => onGround(async (ground) => {
    const workers = await ground.workers({ workers: 8 });
    await ground.balance();
    for (const count of [16, 64]) {
      const before = await workers.counts();
      await ground.storm({ count, wide: count, hold: true });
      const took = [...(await workers.counts())].map(([pid, now]) => now - before.get(pid)!);
      assert.ok(Math.max(...took) - Math.min(...took) <= 1, `${count}: ${took.join(' ')}`);
    }
  }));

  it('a worker that is started is served as soon as its grace time has passed', () => onGround(async (ground) => {
    const workers = await ground.workers({ workers: 2 });
    const reuseport = await ground.balance({ 'reuseport.graceTime': '300ms' });
    const pid = await workers.start();
    await ground.storm({ count: 10 });
    await listeners(reuseport, 3);
    await ground.storm({ count: 300 });
    assert.ok((await workers.counts()).get(pid)! >= 60);
  }));
});
