// SPDX-License-Identifier: Apache-2.0
// With metrics.queueWait some messages are timed from their redirect until they are read.
import assert from 'node:assert/strict';
import { QUEUE_WAIT_BOUNDS } from '../../agent/datapath/types.js';
import { withDatapath } from '../helpers/datapath.js';

const total = (buckets: readonly number[]): number => buckets.reduce((sum, count) => sum + count, 0);
/** Seconds that a bucket begins at. */
const from = (index: number): number => QUEUE_WAIT_BOUNDS[index - 1] ?? 0;

describe('how long redirected messages wait for their reader', () => {
  it('is measured on one in 64 of each end, and apart for clients and servers', () => withDatapath({ queueWait: true }, async (t) => {
    await t.run('late_reads.py', { turns: 130, wait: 0.005 });
    const { queueWaits, messages } = t.counters();
    const { client, server } = queueWaits!;
    const each = Math.ceil(messages.redirected / 2 / 64);
    assert.equal(each, 3, 'all but the first messages of 130 turns');
    assert.equal(total(server.buckets), each, JSON.stringify({ messages, server }));
    assert.equal(total(client.buckets), each, JSON.stringify({ messages, client }));
    server.buckets.forEach((count, index) => { assert.ok(count === 0 || from(index + 1) >= 0.005, `${String(count)} below ${String(QUEUE_WAIT_BOUNDS[index])} s`); });
    assert.ok(server.sumNs >= each * 5e6 && server.sumNs < each * 1e9, String(server.sumNs));
    assert.ok(client.sumNs < server.sumNs / 2, `${String(client.sumNs)} and ${String(server.sumNs)}`);
  }));

  it('is not measured unless somebody asks for it, nor in mode split', async () => {
    for (const options of [{}, { queueWait: true, unified: false }])
      await withDatapath(options, async (t) => {
        await t.run('late_reads.py', { turns: 70, wait: 0 });
        assert.ok(t.redirected() > 0);
        assert.equal(t.counters().queueWaits, null);
      });
  });
});
