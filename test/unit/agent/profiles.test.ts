import assert from 'node:assert/strict';
import { mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'mocha';
import { renderProfiles } from '../../../agent/cli/render/profiles.js';
import { coloured } from '../../../agent/cli/render/paint.js';
import type { ProfileRow } from '../../../agent/guard/view.js';
import { inOrder, verdictOf } from '../../../agent/pairs/profiles.js';
import { Resolver } from '../../../agent/pairs/resolve.js';
import type { Profile } from '../../../agent/datapath/types.js';
import { folder } from '../../helpers/folder.js';
import { fakeProfile } from './fake-profile.js';

const now = Date.parse('2026-06-01T12:00:00Z');
const viewed = (over: Partial<Profile>, more: Partial<ProfileRow> = {}): ProfileRow => {
  const profile = fakeProfile(over);
  return {
    ...profile, verdict: verdictOf(profile), executable: '', cgroupPath: '',
    profile: '', program: '', place: '', since: '', from: '', live: true, ...more,
  };
};

describe('profiles', () => {
  for (const [plain, blocking, hazard, verdict] of [
    [true, false, '', 'clean'], [true, true, '', 'blocking'], [false, true, '', 'blocking'], [false, false, '', 'learning'],
    [true, false, 'splice', 'unsafe'], [true, true, 'splice', 'unsafe'], [false, false, 'splice', 'unsafe'],
  ] as const) {
    it(`plain ${plain}, blocking ${blocking}, hazard ${hazard || 'none'} means ${verdict}`, () => {
      assert.equal(verdictOf(fakeProfile({ plain, blocking, hazard })), verdict);
    });
  }

  it('what is known from before is clean before it has read; what has not read for long enough is not', () => {
    assert.equal(verdictOf(fakeProfile({ plain: false, known: true })), 'clean');
    assert.equal(verdictOf(fakeProfile({ known: true, blocking: true })), 'blocking');
    assert.equal(verdictOf(fakeProfile({ known: true, hazard: 'splice' })), 'unsafe');
    assert.equal(verdictOf(fakeProfile({ enough: false })), 'learning');
  });

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
    assert.deepEqual([known!.executable, known!.cgroupPath, known!.verdict], ['/usr/bin/redis-server', '/', 'clean']);
    assert.deepEqual([reused!.executable, gone!.executable, gone!.cgroupPath], ['', '', '']);
  });
});

describe('the table of profiles', () => {
  const none = { plain: 0, blocking: 0, hazard: 0, connections: 0, accepted: 0, bytes: 0, forMs: 0 };
  const rows = [
    viewed({ comm: 'haproxy', pid: 9, plain: false, hazard: 'splice', reads: { ...none, plain: 12, hazard: 1 } },
      { executable: '/usr/sbin/haproxy', cgroupPath: '/lb', program: 'buildid:00c0ffee11223344', since: '2026-06-01T11:57:55Z', from: 'file' }),
    viewed({ comm: 'python3', pid: 77, blocking: true, reads: { ...none, plain: 2, blocking: 1500 } }),
    viewed({}, { executable: '/usr/bin/redis-server', cgroupPath: '/system.slice/redis.service', program: `sha256:${'ab'.repeat(32)}`, from: 'learned' }),
    viewed({ comm: 'young\u001b[2J', plain: false, reads: none }),
    viewed({ comm: 'envoy', pid: 0, reads: none }, { program: 'any', since: '2026-05-30T12:00:00Z', from: 'preseed', live: false }),
  ];
  const lines = [
    'WORKLOAD           EXECUTABLE             BUILD     CGROUP                       STATE            SINCE  READS                   FROM',
    'haproxy/9          /usr/sbin/haproxy      00c0ffee  /lb                          unsafe (splice)  2m05s  12 plain, 1 hazard      file',
    'python3/77         -                      -         -                            blocking             -  2 plain, 1.5k blocking  -',
    'redis-server/4711  /usr/bin/redis-server  abababab  /system.slice/redis.service  clean            1m00s  3 plain                 learned',
    'young?[2J/4711     -                      -         -                            learning             -  -                       -',
    'envoy              -                      any       -                            clean               2d  -                       preseed',
  ];

  it('says how each reads, since when, by what evidence, and where that comes from', () => {
    assert.deepEqual(renderProfiles(rows, 1000, undefined, now), lines);
  });

  it('fits 80 columns', () => {
    for (const line of renderProfiles(rows, 80, undefined, now)) assert.ok(line.length <= 80, line);
  });

  it('paints without changing the text', () => {
    assert.deepEqual(renderProfiles(rows, 1000, coloured, now).map((line) => line.replace(/\u001b\[\d+m/g, '').trimEnd()), lines);
  });

  it('says so when there is nothing', () => {
    assert.deepEqual(renderProfiles([], 80), ['no workload has been seen on a local connection yet, and none is known from before']);
  });
});
