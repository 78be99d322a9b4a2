// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { Finder, type Found } from '../../../agent/datapath/finder.js';
import { keptLog } from '../../helpers/log.js';

const nothing: Found = { sockets: 0, pairs: 0, tracked: 0, unable: 0 };

describe('the search for open connections', () => {
  const world = { enabled: true, brief: 0, pass: nothing, searches: 0, unable: 0, failed: 0 };
  let finder: Finder;
  beforeEach(() => {
    Object.assign(world, { enabled: true, brief: 0, pass: nothing, searches: 0, unable: 0, failed: 0 });
    const findOpen = (): Promise<Found> => {
      world.searches++;
      return world.pass === nothing || world.pass.pairs >= 0 ? Promise.resolve(world.pass) : Promise.reject(new Error('refused'));
    };
    finder = new Finder({ findOpen }, keptLog().log, {
      enabled: () => world.enabled, brief: () => world.brief, unable: () => { world.unable++; }, failed: () => { world.failed++; },
    });
  });
  afterEach(() => { finder.stop(); });

  it('goes on only while brief connections come', () => {
    finder.look();
    assert.equal(world.searches, 0);
    world.brief = 10;
    finder.look();
    finder.look();
    assert.equal(world.searches, 1);
  });

  it('does nothing while the datapath is switched off', () => {
    world.enabled = false;
    finder.search();
    assert.equal(world.searches, 0);
  });

  it('says once that this kernel cannot, and not when some could be taken', async () => {
    world.pass = { sockets: 4, pairs: 2, tracked: 1, unable: 1 };
    finder.search();
    await turn();
    assert.equal(world.unable, 0);
    world.pass = { sockets: 2, pairs: 1, tracked: 0, unable: 1 };
    finder.search();
    finder.search();
    await turn();
    assert.equal(world.unable, 1);
  });

  it('tells of a kernel that refuses', async () => {
    world.pass = { ...nothing, pairs: -1 };
    finder.search();
    await turn();
    assert.equal(world.failed, 1);
  });
});
