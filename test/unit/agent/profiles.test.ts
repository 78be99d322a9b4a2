import assert from 'node:assert/strict';
import { mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'mocha';
import { renderProfiles } from '../../../agent/cli/render/profiles.js';
import { coloured } from '../../../agent/cli/render/paint.js';
import { inOrder, verdictOf, type ProfileView } from '../../../agent/pairs/profiles.js';
import { Resolver } from '../../../agent/pairs/resolve.js';
import type { Profile } from '../../../agent/datapath/types.js';
import { folder } from '../../helpers/folder.js';
import { fakeProfile } from './fake-profile.js';

const viewed = (over: Partial<Profile>, executable = '', cgroupPath = ''): ProfileView => {
  const profile = fakeProfile(over);
  return { ...profile, verdict: verdictOf(profile), executable, cgroupPath };
};

describe('profiles', () => {
  for (const [plain, blocking, hazard, verdict] of [
    [true, false, '', 'trusted'], [true, true, '', 'mixed'], [false, true, '', 'mixed'], [false, false, '', 'learning'],
    [true, false, 'splice', 'unsafe'], [true, true, 'splice', 'unsafe'], [false, false, 'splice', 'unsafe'],
  ] as const) {
    it(`plain ${plain}, blocking ${blocking}, hazard ${hazard || 'none'} means ${verdict}`, () => {
      assert.equal(verdictOf(fakeProfile({ plain, blocking, hazard })), verdict);
    });
  }

  it('come with the unsafe first, then the latest', () => {
    const ids = inOrder([
      fakeProfile({ id: 'old', seenMsAgo: 9000 }), fakeProfile({ id: 'new', seenMsAgo: 1 }),
      fakeProfile({ id: 'bad', seenMsAgo: 99_000, hazard: 'splice' }), fakeProfile({ id: 'worse', seenMsAgo: 5, hazard: 'splice' }),
    ]).map(({ id }) => id);
    assert.deepEqual(ids, ['worse', 'bad', 'new', 'old']);
  });

  it('have the path of the executable while the process is the same one, and that of the cgroup', () => {
    const proc = folder();
    mkdirSync(join(proc, '4711'));
    writeFileSync(join(proc, '4711', 'comm'), 'redis-server\n');
    symlinkSync('/usr/bin/redis-server', join(proc, '4711', 'exe'));
    const cgroupRoot = folder();
    const resolver = new Resolver({ proc, cgroupRoot });
    const [known, reused, gone] = resolver.profiles([
      fakeProfile({ cgroup: String(statSync(cgroupRoot).ino) }), fakeProfile({ comm: 'earlier' }), fakeProfile({ pid: 5, cgroup: '0' }),
    ]);
    assert.deepEqual([known!.executable, known!.cgroupPath, known!.verdict], ['/usr/bin/redis-server', '/', 'trusted']);
    assert.deepEqual([reused!.executable, gone!.executable, gone!.cgroupPath], ['', '', '']);
  });
});

describe('the table of profiles', () => {
  const rows = [
    viewed({ comm: 'haproxy', pid: 9, plain: false, hazard: 'splice', seenMsAgo: 125_000 }, '/usr/sbin/haproxy', '/lb'),
    viewed({ comm: 'python3', pid: 77, blocking: true }),
    viewed({}, '/usr/bin/redis-server', '/system.slice/redis.service'),
    viewed({ comm: 'threaded', pid: 0, plain: false, blocking: true }),
    viewed({ comm: 'young\u001b[2J', plain: false }),
  ];
  const lines = [
    'WORKLOAD           EXECUTABLE             CGROUP                       READS     VERDICT             SEEN',
    'haproxy/9          /usr/sbin/haproxy      /lb                          -         unsafe (splice)    2m05s',
    'python3/77         -                      -                            both      judged one by one     1s',
    'redis-server/4711  /usr/bin/redis-server  /system.slice/redis.service  plain     trusted               1s',
    'threaded           -                      -                            blocking  judged one by one     1s',
    'young?[2J/4711     -                      -                            -         learning              1s',
  ];

  it('says how each reads and what follows', () => { assert.deepEqual(renderProfiles(rows, 1000), lines); });

  it('fits 80 columns', () => {
    for (const line of renderProfiles(rows, 80)) assert.ok(line.length <= 80, line);
  });

  it('paints without changing the text', () => {
    assert.deepEqual(renderProfiles(rows, 1000, coloured).map((line) => line.replace(/\u001b\[\d+m/g, '').trimEnd()), lines);
  });

  it('says so when there is nothing', () => {
    assert.deepEqual(renderProfiles([], 80), ['no workload has been seen reading a local connection yet']);
  });
});
