import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { fakeEndpoint, fakePair } from '../../../agent/datapath/fake.js';
import { REASONS } from '../../../agent/datapath/reasons.js';
import { zeroTraffic } from '../../../agent/datapath/traffic.js';
import type { Pair, Profile } from '../../../agent/datapath/types.js';
import { explain, type Explanation } from '../../../agent/pairs/explain.js';
import type { RuleView } from '../../../agent/scope/scope.js';
import { fakeProfile } from './fake-profile.js';

const view = (pair: Pair, profiles: readonly Profile[] = [], rule?: RuleView): Explanation => {
  const more = { executable: '', cgroupPath: '', pod: null };
  return explain({ ...pair, client: { ...pair.client, ...more }, server: { ...pair.server, ...more } }, profiles, rule);
};
const sent = (redirected: number, passed: number) =>
  ({ ...zeroTraffic(), redirectedMessages: redirected, passedMessages: passed });

describe('explain', () => {
  describe('of who was left alone', () => {
    const excluded = fakePair({ state: 'tcp', reason: 'excluded', selector: 0 });
    const rule = (origin: string): RuleView => ({ effect: 'exclude', text: 'cgroup:/kubepods/podX', origin, absent: [] });

    it('names the annotation of the pod that decided, and what to do about it', () => {
      const { evidence, change } = view(excluded, [], rule('annotation sidestep.io/accelerate: disabled of pod shop/web-1'));
      assert.equal(evidence[0], 'excluded by the annotation sidestep.io/accelerate: disabled of pod shop/web-1 (cgroup:/kubepods/podX)');
      assert.equal(change, 'take away the annotation sidestep.io/accelerate: disabled of pod shop/web-1');
    });

    it('names the annotation by which a pod is only observed', () => {
      const observed = fakePair({ state: 'tcp', reason: 'observed', selector: 0 });
      const { evidence, change } = view(observed, [], { ...rule('annotation sidestep.io/accelerate: observe of pod shop/web-1'), effect: 'observe' });
      assert.equal(evidence[0], 'observed by the annotation sidestep.io/accelerate: observe of pod shop/web-1 (cgroup:/kubepods/podX)');
      assert.equal(change, 'take away the annotation sidestep.io/accelerate: observe of pod shop/web-1');
    });

    it('names the line of the configuration that decided', () => {
      const { evidence, change } = view(excluded, [], rule('config.yaml:7'));
      assert.equal(evidence[0], 'excluded by cgroup:/kubepods/podX (config.yaml:7)');
      assert.match(change, /out of scope\.exclude \(config\.yaml:7\)/);
    });
  });

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
      assert.ok(answer.change.startsWith(remedy) || name === 'splice', answer.change);
    });
  }

  describe('of a connection that is learned', () => {
    const learning = fakePair({ state: 'tcp', reason: 'learning' });
    const client = fakeProfile({ comm: 'client', pid: 100 });
    const server = fakeProfile({ comm: 'server', pid: 201, plain: false });
    const first = (profiles: readonly Profile[], pair = learning): readonly string[] => view(pair, profiles).evidence.slice(0, -2);

    it('says which end has not been seen reading', () => {
      assert.deepEqual(first([]), ['the client has not been seen reading yet', 'the server has not been seen reading yet']);
      const [, waiting] = first([client]);
      assert.equal(waiting, 'the server has not been seen reading yet');
    });

    it('knows a program by process, or by name and cgroup, and by nothing less', () => {
      assert.match(first([client, server])[1]!, /^the program of the server has not been seen reading from a non-blocking socket for long enough/);
      assert.match(first([client, { ...server, cgroup: '2' }])[1]!, /^the server has not been seen/);
      assert.match(first([client, { ...server, cgroup: '2', pid: 200 }])[1]!, /^the program of the server has not been seen reading from/);
      assert.match(first([fakeProfile({ comm: '' })], { ...learning, client: fakeEndpoint({ comm: '' }) })[0]!, /^the client has not/);
    });

    it('says of a program that blocks at times that the connection has to prove itself', () => {
      assert.match(first([{ ...client, blocking: true }])[0]!, /also reads from blocking sockets/);
    });

    it('waits for a quiet moment when both are known', () => {
      assert.match(first([client, { ...server, plain: true }])[2]!, /^it joins when nothing waits unread/);
    });

    it('waits for accept before anything else', () => {
      const pending = { ...learning, server: fakeEndpoint({ inode: '0' }) };
      assert.deepEqual(first([client], pending), ['the server has not accepted the connection yet']);
    });
  });

  describe('of a connection with a program that splices', () => {
    const spliced = fakePair({ state: 'leaving', reason: 'splice' });
    const proxy = fakeProfile({ comm: 'server', pid: 200, hazard: 'splice' });

    it('names it, and says that its next connections stay on TCP', () => {
      const { evidence, change } = view(spliced, [fakeProfile({ comm: 'client', pid: 100 }), proxy]);
      assert.deepEqual(evidence.slice(0, 2), [
        'it is the server, server; its next connections stay on TCP',
        'if bytes wait that it can never read, the connection is reset after half a second',
      ]);
      assert.match(change, /read with recv from non-blocking sockets/);
    });

    it('does not accuse anybody whose profile is gone, and speaks of a reset only while it leaves', () => {
      assert.equal(view(spliced).evidence[0], 'which end it was is not known any more');
      assert.doesNotMatch(view({ ...spliced, state: 'tcp' }, [proxy]).evidence.join(), /reset/);
    });
  });

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
