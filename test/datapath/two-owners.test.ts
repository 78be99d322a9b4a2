// SPDX-License-Identifier: Apache-2.0
// Where another datapath owns a socket, the second steps aside and says so.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { withDatapath } from '../helpers/datapath.js';

describe('two owners', () => {
  it('the one that comes second counts busy and leaves the connection alone (dp-two-owners-busy)', () => withDatapath({}, async (t) => {
    const inner = t.another({ cgroupPath: join(t.cgroup, 'inner') });
    const { bytes } = await t.run('random_sizes.py', { rounds: 50 }, { cgroup: inner.cgroup });
    const [first, second] = inner.redirected() > 0 ? [inner, t] : [t, inner];
    assert.ok(first.redirected() > bytes / 2);
    assert.equal(first.counters().connections.busy, 0);
    assert.equal(second.redirected(), 0);
    assert.equal(second.counters().connections.busy, 1);
    await second.events_('refused', 'busy');
    assert.equal(second.entries('sockets'), 0);
    assert.deepEqual(Object.values(second.counters().messages).filter((count) => count > 0), []);
  }));
});
