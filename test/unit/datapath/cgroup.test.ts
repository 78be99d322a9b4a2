import assert from 'node:assert/strict';
import { cgroup2Mounts } from '../../../agent/datapath/cgroup.js';

const v1 = '30 24 0:26 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu';

describe('where cgroup v2 is (h-cgroup2-path)', () => {
  it('on a host with v2 only', () => {
    assert.deepEqual(cgroup2Mounts('31 24 0:27 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw'), ['/sys/fs/cgroup']);
  });
  it('on a hybrid host, beside v1', () => {
    assert.deepEqual(cgroup2Mounts(`${v1}\n31 24 0:27 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw`), ['/sys/fs/cgroup/unified']);
  });
  it('nowhere, on a host with v1 only', () => {
    assert.deepEqual(cgroup2Mounts(v1), []);
  });
  it('never a part of the hierarchy that is mounted elsewhere', () => {
    assert.deepEqual(cgroup2Mounts('31 24 0:27 /pod1 /mnt rw - cgroup2 cgroup2 rw'), []);
  });
  it('with optional fields and a space in the path', () => {
    assert.deepEqual(cgroup2Mounts('31 24 0:27 / /my\\040groups rw shared:9 master:1 - cgroup2 none rw'), ['/my groups']);
  });
});
