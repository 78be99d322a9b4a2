import assert from 'node:assert/strict';
import { zeroByReason } from '../../../agent/datapath/traffic.js';
import type { Counters } from '../../../agent/datapath/types.js';
import { closedIn, sharesOf, under } from '../../conformance/shares.js';

const counters = (connections: Partial<Counters['connections']>, more: Partial<Counters> = {}): Counters => ({
  messages: zeroByReason(), bytes: zeroByReason(), connections: { ...zeroByReason(), ...connections },
  tcpInMessages: 0, tcpInBytes: 0, tcpRepeatedBytes: 0, eventsLost: 0, resets: 0, closedUnread: 0, streamsLeft: 0, streamsBack: 0, queueWaits: null, ...more,
});
const closed = (reason: string, redirectedBytes: number, passedBytes: number): { reason: string; redirectedBytes: number; passedBytes: number } =>
  ({ reason, redirectedBytes, passedBytes });

describe('what could be accelerated, and was', () => {
  it('leaves out who blocks, splices or talks to others, and no one else', () => {
    const { connections, share } = sharesOf(counters({ redirected: 6, learning: 3, map_full: 1, blocking: 50, splice: 40, remote: 30 }), []);
    assert.deepEqual(connections, { seen: 130, eligible: 10, accelerated: 6 });
    assert.equal(share.connections, 0.6);
  });

  it('counts the bytes of the same connections, also those that found out late', () => {
    const { bytes, share } = sharesOf(counters({}), [closed('redirected', 300, 100), closed('learning', 0, 200), closed('blocking', 0, 9999), closed('splice', 100, 300)]);
    assert.deepEqual(bytes, { seen: 10_999, eligible: 1000, redirected: 400 });
    assert.equal(share.bytes, 0.4);
  });

  it('reads what the agent logged of each connection, and nothing else', () => {
    const line = '{"level":"debug","component":"connections","id":"1","reason":"learning","redirectedBytes":0,"passedBytes":7,"msg":"pair closed"}';
    const [one, ...others] = closedIn(`{"msg":"ready"}\n${line}\n{"msg":"pair accelerated"}\n`);
    assert.deepEqual([one?.reason, one?.passedBytes, others.length], ['learning', 7, 0]);
  });

  it('nothing eligible proves nothing: it is under any floor but none', () => {
    const none = sharesOf(counters({ blocking: 5 }), []);
    assert.equal(under(none, { connections: 0.6, bytes: 0 }).length, 1);
    assert.deepEqual(under(none, { connections: 0, bytes: 0 }), []);
  });

  it('a share under its floor is told, and so are bytes that cannot be told', () => {
    const half = sharesOf(counters({ redirected: 1, learning: 1 }, { eventsLost: 3 }), [closed('redirected', 1, 9)]);
    const [connections, bytes, lost] = under(half, { connections: 0.6, bytes: 0.2 });
    assert.match(connections!, /50\.0 % of the eligible connections .* 60\.0 %/);
    assert.match(bytes!, /10\.0 % of the eligible bytes .* 20\.0 %/);
    assert.match(lost!, /3 events were lost/);
  });
});
