// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { addLive } from '../../../agent/datapath/edges.js';
import type { Edge, PairGroup, Traffic } from '../../../agent/datapath/types.js';

const traffic = (bytes: number): Traffic => ({ redirectedBytes: bytes, redirectedMessages: 1, passedBytes: 0, passedMessages: 0 });
const closed: Edge = {
  client: 'client', server: 'server', port: 8080, clientSent: traffic(100), serverSent: traffic(200), connections: 3, accelerated: 2,
};
const open = (over: Partial<PairGroup> = {}): PairGroup => ({
  ...closed, state: 'active', selector: -1, clientCgroup: '1', serverCgroup: '2', connections: 1, accelerated: 1, clientSent: traffic(7), serverSent: traffic(9), ...over,
});

describe('service edges', () => {
  it('m-long-connection-not-counted: an open connection counts while it lives', () => {
    assert.deepEqual(addLive([closed], [open()]), [
      { ...closed, clientSent: { ...traffic(107), redirectedMessages: 2 }, serverSent: { ...traffic(209), redirectedMessages: 2 }, connections: 4, accelerated: 3 },
    ]);
  });
  it('those of one edge that differ in state, rule or cgroup are one edge', () => {
    const [edge, ...more] = addLive([], [open(), open({ state: 'tcp', connections: 5, accelerated: 2 }), open({ selector: 3 }), open({ clientCgroup: '9' })]);
    assert.deepEqual([edge?.connections, edge?.accelerated, edge?.clientSent.redirectedBytes, more], [8, 5, 28, []]);
    assert.deepEqual(Object.keys(edge!), Object.keys({ client: 0, server: 0, port: 0, clientSent: 0, serverSent: 0, connections: 0, accelerated: 0 }));
  });
  it('leaves what it was given as it was', () => {
    const before = structuredClone(closed);
    addLive([closed], [open()]);
    assert.deepEqual(closed, before);
  });
});
