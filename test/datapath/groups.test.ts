// SPDX-License-Identifier: Apache-2.0
// Open pairs in as few rows as they differ, and with the totals of closed ends nothing twice and nothing missing.
import assert from 'node:assert/strict';
import { addLive } from '../../agent/datapath/edges.js';
import type { Edge, Pair, PairGroup } from '../../agent/datapath/types.js';
import { startActor } from '../helpers/actor.js';
import { withDatapath, type TestDatapath } from '../helpers/datapath.js';
import { eventually } from '../helpers/kernel.js';

const groups = (t: TestDatapath): PairGroup[] => t.native.groups() as PairGroup[];
const edges = (t: TestDatapath): Edge[] => addLive(t.native.edges() as Edge[], groups(t));

describe('groups of pairs', () => {
  it('add up what the pairs say, in one row for those that are alike', () => withDatapath({}, async (t) => {
    const [one, other] = [await startActor(t, { seed: 1 }), await startActor(t, { seed: 1 })];
    await one.talk(1000);
    await other.talk(300);
    const pairs = t.pairs();
    const rows = groups(t);
    assert.equal(pairs.length, 2);
    // Each listens on a port of its own.
    assert.deepEqual(rows.map(({ port }) => port).sort(), pairs.map(({ server }) => server.port).sort());
    for (const pair of pairs) {
      const { port, ...row } = rows.find((group) => group.port === pair.server.port)!;
      assert.deepEqual(row, {
        state: 'active', selector: -1, client: pair.client.comm, server: pair.server.comm, clientCgroup: pair.client.cgroup, serverCgroup: pair.server.cgroup,
        connections: 1, accelerated: 1, clientSent: pair.clientSent, serverSent: pair.serverSent,
      });
      assert.ok(port > 0);
    }
    await one.quit();
    await other.quit();
    await eventually(() => (groups(t).length === 0 ? '' : 'rows without pairs'));
  }));

  it('the busiest are those that have sent the most since somebody looked, not in their lives', () => withDatapath({}, async (t) => {
    const actors = [await startActor(t), await startActor(t), await startActor(t)];
    const ports = t.pairs().sort((a, b) => b.ageMs - a.ageMs).map(({ server }) => server.port);
    const busiest = (most: number): number[] => (t.native.pairs(most) as Pair[]).map(({ server }) => ports.indexOf(server.port));
    await actors[1]!.talk(10_000);
    await actors[2]!.talk(100);
    assert.deepEqual(busiest(2), [1, 2]);
    await actors[0]!.talk(500);
    assert.deepEqual(busiest(1), [0]);
    // Nothing happened since: what they have sent in all decides.
    assert.deepEqual(busiest(9), [1, 0, 2]);
    await actors[1]!.quit();
    await eventually(() => (t.pairs().length === 2 ? '' : 'the pair is still there'));
    assert.deepEqual(busiest(9), [0, 2]);
    await actors[0]!.quit();
    await actors[2]!.quit();
  }));

  it('a hundred connections to one listener are one row', () => withDatapath({}, async (t) => {
    const crowd = t.start('open_many.py', { count: 100 });
    await crowd.next();
    const [row, ...more] = groups(t);
    assert.deepEqual([row?.connections, row?.accelerated, row?.state, more], [100, 100, 'active', []]);
    assert.deepEqual([row?.clientSent.redirectedBytes, row?.serverSent.redirectedBytes], [1000, 2000]);
    const [before] = edges(t);
    crowd.say();
    await crowd.end();
    await eventually(() => (groups(t).length === 0 ? '' : 'pairs are left'));
    assert.deepEqual(edges(t), [before]);
  }));

  it('m-long-connection-not-counted: an end that has closed is in the totals already and is not counted twice', () => withDatapath({}, async (t) => {
    const actor = await startActor(t);
    await actor.talk(1000);
    const [before] = edges(t);
    assert.deepEqual([before?.clientSent.redirectedBytes, before?.serverSent.redirectedBytes, before?.connections], [1000, 1000, 1]);
    await actor.tell('close c');
    await eventually(() => ((groups(t)[0]?.clientSent.redirectedBytes ?? 0) === 0 ? '' : 'the end of the client is still open'));
    assert.equal(groups(t)[0]?.serverSent.redirectedBytes, 1000);
    assert.deepEqual(edges(t), [before]);
    await actor.quit();
    await eventually(() => (groups(t).length === 0 ? '' : 'the pair is still there'));
    assert.deepEqual(edges(t), [before]);
  }));
});
