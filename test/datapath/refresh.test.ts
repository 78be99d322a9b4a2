// SPDX-License-Identifier: Apache-2.0
// Conntrack forgets a connection of which it sees nothing. What goes around TCP must not look like that.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { withDatapath } from '../helpers/datapath.js';
import { withPods } from '../helpers/pods.js';

const TIMES = 40;

describe('tables of connections on the way', () => {
  it('still know a half-closed connection when its end comes, however long its bytes went around TCP', () =>
    withPods((pods) => withDatapath({ refreshMs: 300 }, async (t) => {
      for (const state of ['close_wait', 'fin_wait', 'established'])
        execFileSync('nsenter', [`--net=/run/netns/${pods.router}`, 'sysctl', '-qw', `net.netfilter.nf_conntrack_tcp_timeout_${state}=1`]);
      const server = t.start('trickle.py', { host: pods.b4, times: TIMES }, { netns: pods.b });
      await server.next();
      const { got } = await t.run('trickle.py', { ...pods.service }, { netns: pods.a });
      server.say('done');
      await server.end();
      assert.equal(got, TIMES * 100);
      const { redirected, refresh } = t.counters().messages;
      assert.ok(redirected > TIMES / 2 && refresh >= 5 && refresh <= 15, `${redirected} redirected, ${refresh} over TCP`);
    })));
});
