// SPDX-License-Identifier: Apache-2.0
// The programs are built twice: with plain loads, and for kernels without bpf_rdonly_cast. The second suits this kernel too.
import assert from 'node:assert/strict';
import { native, objectPath, objects } from '../../native/index.js';
import { withDatapath } from '../helpers/datapath.js';

describe('the two builds of the programs', () => {
  it('the one that this kernel takes is chosen by trying', () => {
    assert.equal(objectPath(), native.probeCasts() === 'yes' ? objects.casts : objects.probes);
  });

  for (const unified of [true, false]) {
    it(`the one that reads by calls loads, pairs and redirects: ${unified ? 'unified' : 'split'}`, () => withDatapath({ unified, objectPath: objects.probes }, async (t) => {
      await t.run('random_sizes.py', { rounds: 50 });
      const { bytes, connections } = t.counters();
      assert.ok(bytes.redirected > 0 && connections.redirected > 0);
      assert.deepEqual([bytes.untracked, bytes.peer_gone], [0, 0]);
    }));
  }

  it('the one that reads by calls is taken over by the other, and back', async function () {
    if (native.probeCasts() !== 'yes') {
      assert.equal(objectPath(), objects.probes, 'a kernel that takes one of them only');
      return;
    }
    await withDatapath({ objectPath: objects.probes }, async (t) => {
      for (const path of [objects.casts, objects.probes]) {
        t.native.close();
        t.open({ objectPath: path });
        assert.equal(t.tookOver, true);
        const before = t.redirected();
        await t.run('random_sizes.py', { rounds: 5 });
        assert.ok(t.redirected() > before);
      }
    });
  });
});
