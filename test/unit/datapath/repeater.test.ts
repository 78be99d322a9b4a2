import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { Repeater } from '../../../agent/datapath/repeater.js';

const unexpected = (error: unknown): never => { throw error; };

describe('background work', () => {
  it('is repeated until it says that it is done', async () => {
    let runs = 0;
    const repeater = new Repeater(1, 5, () => Promise.resolve(++runs === 3), unexpected);
    repeater.start();
    await sleep(60);
    assert.equal(runs, 3);
  });
  it('asked for while it works, runs once more', async () => {
    let runs = 0;
    const repeater: Repeater = new Repeater(1, 5, async () => {
      if (++runs === 1) repeater.start();
      await sleep(1);
      return true;
    }, unexpected);
    repeater.start();
    await sleep(60);
    assert.equal(runs, 2);
  });
  it('can begin again after it ended', async () => {
    let runs = 0;
    const repeater = new Repeater(1, 5, () => Promise.resolve(++runs > 0), unexpected);
    repeater.start();
    await sleep(30);
    repeater.start();
    await sleep(30);
    assert.equal(runs, 2);
  });
  it('reports a failure once, and may be started again', async () => {
    const failures: unknown[] = [];
    const repeater = new Repeater(1, 5, () => Promise.reject(new Error('no')), (error) => { failures.push(error); });
    repeater.start();
    await sleep(30);
    repeater.start();
    await sleep(30);
    assert.equal(failures.length, 2);
  });
  it('does nothing more once stopped', async () => {
    let runs = 0;
    const repeater = new Repeater(1, 1, () => Promise.resolve(++runs < 0), unexpected);
    repeater.start();
    await sleep(20);
    repeater.stop();
    const then = runs;
    await sleep(20);
    assert.ok(runs - then <= 1);
  });
});
