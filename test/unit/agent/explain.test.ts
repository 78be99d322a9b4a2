import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { fakeEndpoint, fakePair } from '../../../agent/datapath/fake.js';
import { REASONS } from '../../../agent/datapath/reasons.js';
import { zeroTraffic } from '../../../agent/datapath/traffic.js';
import type { Pair } from '../../../agent/datapath/types.js';
import { explain, type Explanation } from '../../../agent/pairs/explain.js';

const view = (pair: Pair): Explanation => {
  const more = { executable: '', cgroupPath: '' };
  return explain({ ...pair, client: { ...pair.client, ...more }, server: { ...pair.server, ...more } });
};
const sent = (redirected: number, passed: number) =>
  ({ ...zeroTraffic(), redirectedMessages: redirected, passedMessages: passed });

describe('explain', () => {
  it('says yes when every message is redirected', () => {
    const { accelerated, verdict } = view(fakePair({ clientSent: sent(5, 0), serverSent: sent(5, 0) }));
    assert.ok(accelerated);
    assert.equal(verdict, 'Accelerated: every message went around the TCP stack.');
  });

  for (const { name, what, remedy } of REASONS.filter(({ name }) => name !== 'redirected')) {
    it(`gives ${name} in words, with what to do`, () => {
      const answer = view(fakePair({ state: 'tcp', reason: name, clientSent: sent(0, 3) }));
      assert.equal(answer.accelerated, false);
      assert.ok(answer.verdict.includes(what));
      assert.equal(answer.change, remedy);
    });
  }

  it('names the reason of the messages when the pair is well and they are not', () => {
    const answer = view(fakePair({ lastPass: 'queue_full', clientSent: sent(1, 9), serverQueued: 300 }));
    assert.deepEqual([answer.accelerated, answer.reason], [false, 'queue_full']);
    assert.ok(answer.evidence.includes('300 unread bytes wait at the server'));
    assert.match(answer.verdict, /only 10% of the messages/);
  });

  it('gives the counters of both ends as evidence, each with its role', () => {
    const { evidence } = view(fakePair({ clientSent: sent(7, 1), serverSent: sent(0, 0) }));
    assert.match(evidence[0]!, /^the client sent 7 messages .* redirected, 1 /);
    assert.equal(evidence[1], 'the server has sent nothing');
  });

  it('notices two network namespaces, and a pair that is still half', () => {
    const half = view(fakePair({ state: 'half', server: fakeEndpoint({ netns: 1 }) }));
    assert.equal(half.accelerated, false);
    assert.ok(half.evidence.includes('the two ends are in different network namespaces'));
  });
});
