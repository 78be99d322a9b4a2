import assert from 'node:assert/strict';
import { chooseCgroup2, findCgroup2, servedCgroup } from '../../../agent/datapath/cgroup.js';

const v1 = '30 24 0:26 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu';
const anything = (): string => '1';

describe('where cgroup v2 is (h-cgroup2-path)', () => {
  it('on a host with v2 only', () => {
    assert.equal(chooseCgroup2('31 24 0:27 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw', anything), '/sys/fs/cgroup');
  });
  it('on a hybrid host, beside v1', () => {
    assert.equal(chooseCgroup2(`${v1}\n31 24 0:27 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw`, anything), '/sys/fs/cgroup/unified');
  });
  it('nowhere, on a host with v1 only', () => {
    assert.equal(chooseCgroup2(v1, anything), undefined);
  });
  it('never a part of the hierarchy that is mounted elsewhere', () => {
    assert.equal(chooseCgroup2('31 24 0:27 /pod1 /mnt rw - cgroup2 cgroup2 rw', anything), undefined);
  });
  it('with optional fields and a space in the path', () => {
    assert.equal(chooseCgroup2('31 24 0:27 / /my\\040groups rw shared:9 master:1 - cgroup2 none rw', anything), '/my groups');
  });
  it('in a container with the host’s beside its own: the host’s, whatever it is called there (h-private-cgroup-namespace)', () => {
    const own = '41 24 0:27 / /sys/fs/cgroup ro - cgroup2 cgroup rw';
    const inodes: Record<string, string> = { '/sys/fs/cgroup': '4711', '/host/cgroup': '1', '/part': '99' };
    const inode = (path: string): string | undefined => inodes[path];
    for (const root of ['/../../..', '/'])
      assert.equal(chooseCgroup2(`${own}\n42 24 0:27 ${root} /host/cgroup rw - cgroup2 cgroup rw`, inode), '/host/cgroup');
    assert.equal(chooseCgroup2(`42 24 0:27 /.. /part rw - cgroup2 cgroup rw\n${own}`, inode), '/sys/fs/cgroup');
  });
  it('a path that is set must lie on it, and the answer says where it is', () => {
    const root = findCgroup2();
    assert.deepEqual([servedCgroup('auto'), servedCgroup(root)], [root, root]);
    for (const path of ['/tmp', '/nowhere', `${root}/cgroup.procs`])
      assert.throws(() => servedCgroup(path), { code: 'bad_cgroup', message: `cgroup.path is no directory of the cgroup v2 hierarchy (${path}; the hierarchy is at ${root})` });
  });
});
