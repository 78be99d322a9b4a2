import assert from 'node:assert/strict';
import { addLive, type NativePair } from '../../../agent/datapath/edges.js';
import { fakePair } from '../../../agent/datapath/fake.js';
import type { Edge, Traffic } from '../../../agent/datapath/types.js';

const traffic = (bytes: number): Traffic => ({ redirectedBytes: bytes, redirectedMessages: 1, passedBytes: 0, passedMessages: 0 });
const live = (over: Partial<NativePair>): NativePair => ({ ...fakePair(), clientClosed: false, serverClosed: false, wasAccelerated: true, ...over });
const closed: Edge = {
  client: 'client', server: 'server', port: 8080, clientSent: traffic(100), serverSent: traffic(200), connections: 3, accelerated: 2,
};

describe('service edges', () => {
  it('m-long-connection-not-counted: an open connection counts while it lives', () => {
    const [edge] = addLive([closed], [live({ clientSent: traffic(7), serverSent: traffic(9) })]);
    assert.equal(edge?.clientSent.redirectedBytes, 107);
    assert.equal(edge.serverSent.redirectedBytes, 209);
    assert.equal(edge.connections, 4);
    assert.equal(edge.accelerated, 3);
  });
  it('an end that has closed is in the totals already and is not counted twice', () => {
    const [edge] = addLive([closed], [live({ clientClosed: true, clientSent: traffic(7), serverSent: traffic(9) })]);
    assert.equal(edge?.clientSent.redirectedBytes, 100);
    assert.equal(edge.serverSent.redirectedBytes, 209);
  });
  it('a connection that was refused counts as a connection, not as accelerated', () => {
    const [edge] = addLive([], [live({ wasAccelerated: false, state: 'tcp', reason: 'blocking' })]);
    assert.deepEqual([edge?.connections, edge?.accelerated], [1, 0]);
  });
  it('leaves what it was given as it was', () => {
    const before = structuredClone(closed);
    addLive([closed], [live({ clientSent: traffic(7) })]);
    assert.deepEqual(closed, before);
  });
});
