// SPDX-License-Identifier: Apache-2.0
// Calls that few programs use give what they give on TCP. The cells that do not are stated here and in docs/limits.md.
import assert from 'node:assert/strict';
import { withDatapath } from '../helpers/datapath.js';
import { countsRedirected } from '../helpers/serves.js';

/** What the kernel's reader of redirected sockets does not do: [on TCP, on an enrolled socket]. */
const GAPS: Record<string, [unknown, unknown]> = {
  urgent_byte: [['!', 'beforeafter', 'EAGAIN'], ['b', 'efore!after', 'EAGAIN']], // MSG_OOB: the byte is in line
  partly_mapped: [[-1, 'EAGAIN', 'EFAULT', 'then'], [0, 'EAGAIN', '', 'then']], // dp-partial-copy-count: 0 instead of EFAULT, and 0 bytes arrive
};

/** Where the kernel does not count redirected bytes (before that was repaired), it gives EFAULT as TCP does. */
const OLDER_GAPS: typeof GAPS = { urgent_byte: GAPS['urgent_byte']! };

/** TCP_INQ: no control message comes until the socket has left the map, which the agent does some milliseconds later. */
const UNIFIED_GAPS: typeof GAPS = { bytes_left: [[600], []] };

describe('calls that few programs use', () => {
  for (const unified of [true, false]) {
    it(`give what they give on TCP, but for the stated gaps: ${unified ? 'unified' : 'split'}`, () => withDatapath({ unified }, async (t) => {
      const plain = await t.run('odd_calls.py', {}, { cgroup: t.newCgroup() });
      const inside = await t.run('odd_calls.py');
      assert.ok(t.redirected() > 0);
      const differs = Object.keys(plain).filter((name) => JSON.stringify(plain[name]) !== JSON.stringify(inside[name]));
      assert.deepEqual(Object.fromEntries(differs.map((name) => [name, [plain[name], inside[name]]])), { ...(await countsRedirected() ? GAPS : OLDER_GAPS), ...(unified ? UNIFIED_GAPS : {}) });
    }));
  }
});
