// SPDX-License-Identifier: Apache-2.0
/**
 * Tests that attach programs take turns, on the whole machine: root hooks hold the lock for this mocha process, remove
 * what a killed run left, and fail when this run leaves anything. Importing this file is enough.
 */
import assert from 'node:assert/strict';
import { after, before, beforeEach } from 'mocha';
import { alive, descriptors, eventually, kernelComplaints, leftovers, PATIENCE_S, remove, SLOWNESS, takeLock } from './kernel.js';

export { BPFFS, eventually, PREFIX, removeCgroup } from './kernel.js';

let release: (() => void) | undefined;
let descriptorsAtStart: string[] = [];
let complaintsAtStart: string[] = [];

before(async function takeTheTurn() {
  this.timeout((PATIENCE_S + 10) * 1000);
  release = await takeLock();
  for (const path of leftovers((pid) => !alive(pid))) await remove(path);
  descriptorsAtStart = descriptors();
  complaintsAtStart = kernelComplaints();
});

beforeEach(function waitLonger() {
  const test = this.currentTest!;
  test.timeout(test.timeout() * SLOWNESS);
});

after(async function leaveNothing() {
  try {
    if (release === undefined) return;
    assert.deepEqual(leftovers((pid) => pid === process.pid), []);
    await eventually(() => {
      const now = descriptors();
      return now.length <= descriptorsAtStart.length ? '' : `descriptors grew: ${descriptorsAtStart.join(' ')} -> ${now.join(' ')}`;
    });
    assert.deepEqual(kernelComplaints(), complaintsAtStart);
  } finally {
    release?.();
  }
});
