import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { stringify } from 'yaml';
import { ProfilesError, profilesFile, readProfiles, textOf } from '../../../agent/guard/file.js';
import { idOf } from '../../../agent/guard/known.js';
import { listedProfiles, shippedProfiles } from '../../../agent/guard/lists.js';
import { SidestepError } from '../../../agent/errors.js';
import { known, profiles } from './made-up.js';

const text = (over: object = {}, entry: object = {}): string =>
  textOf({ ...profilesFile([known()], 'now'), profiles: [{ ...known(), ...entry }], ...over });

function refused(content: string): readonly string[] {
  try {
    readProfiles(content, 'list.json');
  } catch (error) {
    assert.ok(error instanceof ProfilesError && error instanceof SidestepError);
    assert.equal(error.code, 'profiles_invalid');
    return error.lines;
  }
  return [];
}

describe('a file of profiles', () => {
  it('reads back what was written, whatever that was', () => {
    const many = fc.uniqueArray(profiles, { selector: idOf, maxLength: 8 });
    fc.assert(fc.property(many, (list) => {
      const written = textOf(profilesFile(list));
      const read = readProfiles(written, 'x');
      assert.deepEqual(new Set(read.map((one) => JSON.stringify(one))).size, list.length);
      assert.deepEqual(textOf(profilesFile(read, 'now')), textOf(profilesFile(list, 'now')));
      assert.deepEqual(readProfiles(stringify(JSON.parse(written)), 'x'), read, 'as YAML, too');
    }), { numRuns: 60 });
  });

  it('written by hand needs who and how, and no more', () => {
    const [one] = readProfiles('format: sidestep-profiles\nversion: 1\nprofiles:\n- {program: any, name: envoy, state: clean}\n', 'x', '2026-01-01T00:00:00Z');
    assert.deepEqual(one, {
      ...known({ program: 'any', name: 'envoy', place: '', executable: '', origin: 'import' }), since: '2026-01-01T00:00:00Z', seen: '2026-01-01T00:00:00Z',
    });
  });

  for (const [what, content, line] of [
    ['that is cut', text().slice(0, 200), /^list\.json:\d+:\d+: /],
    ['that is empty', '', /^list\.json:1:1: a map with the keys format/],
    ['of something else', '[1, 2]', /^list\.json:1:1: a map/],
    ['of another version', text({ version: 2 }), /^list\.json:3:14: version: expected 1/],
    ['of another format', text({ format: 'prose' }), /^list\.json:2:13: format: expected sidestep-profiles/],
    ['with a key that nobody knows', text({ profile: [] }), /^list\.json:\d+:14: profile: there is no such key/],
    ['without profiles', text({ profiles: 'none' }), /^list\.json:5:15: profiles: expected a list/],
    ['with an entry that is none', text({ profiles: [7] }), /^list\.json:6:5: profiles\[0\]: expected a map/],
    ['with a state that does not exist', text({}, { state: 'fine' }), /profiles\[0\]\.state: expected one of clean, blocking, unsafe/],
    ['with a program that is none', text({}, { program: 'buildid:xyz' }), /profiles\[0\]\.program: expected buildid: or sha256:/],
    ['with a name that the kernel cannot have', text({}, { name: 'sixteen-letters-' }), /profiles\[0\]\.name: expected a command name of 1 to 15 bytes/],
    ['with a name that moves the cursor', text({}, { name: 'a\u001b[2J' }), /profiles\[0\]\.name/],
    ['with a place that is no path', text({}, { place: 'here' }), /profiles\[0\]\.place: expected the path of a cgroup/],
    ['with a time that never was', text({}, { since: '2026-13-41T00:00:00Z' }), /profiles\[0\]\.since: expected a time/],
    ['with half a reason', text({}, { state: 'unsafe' }), /profiles\[0\]\.reason: a reason belongs to state unsafe/],
    ['with a reason too many', text({}, { reason: 'splice' }), /profiles\[0\]\.reason: a reason belongs to state unsafe/],
    ['with negative evidence', text({}, { evidence: { plain: -1 } }), /profiles\[0\]\.evidence: expected counts of/],
    ['with a key that an entry does not have', text({}, { Sate: 1 }), /profiles\[0\]\.Sate: there is no such key/],
    ['with the same program twice', text({ profiles: [known(), known({ state: 'unsafe' })] }), /^list\.json:\d+:5: profiles\[1\]: the same .* as profiles\[0\]/],
    ['that leaves out how', text({ profiles: [{ program: 'any', name: 'x' }] }), /profiles\[0\]: state is missing/],
    ['that unfolds itself', `a: &a [1]\nb: [*a, *a]\nformat: x\nversion: 1\nprofiles: *a\n`, /list\.json/],
  ] as const) {
    it(`${what} is refused`, () => {
      const lines = refused(content);
      assert.ok(lines.some((one) => line.test(one)), lines.join('\n'));
    });
  }

  it('tells of everything that is wrong at once', () => {
    const lines = refused(text({ profiles: [{ ...known(), state: 'x' }, { ...known(), name: '' }, 1] }));
    assert.deepEqual(lines.map((line) => /profiles\[(\d)\]/.exec(line)?.[1]), ['0', '1', '2']);
  });

  it('of any content at all is taken or refused, and nothing else', () => {
    fc.assert(fc.property(fc.oneof(fc.json(), fc.string(), fc.tuple(fc.nat(400), fc.string()).map(([at, more]) => text().slice(0, at) + more)), (content) => {
      try {
        readProfiles(content, 'x');
      } catch (error) {
        assert.ok(error instanceof ProfilesError, String(error));
      }
    }), { numRuns: 300 });
  });
});

describe('the list that comes with Sidestep', () => {
  it('is good, and holds by build id unless names are allowed', () => {
    const [off, ids, names] = (['off', 'buildid', 'name'] as const).map((preseed) => shippedProfiles(preseed));
    assert.deepEqual(off, []);
    assert.ok(ids!.length > 0 && ids!.every(({ program, origin, place }) => program.startsWith('buildid:') && origin === 'preseed' && place === ''));
    assert.ok(names!.length > ids!.length);
  });

  it('a list of the operator that cannot be read is an error that names it', () => {
    const own = { preseed: 'off', profiles: '/nonexistent/list.json' } as const;
    assert.throws(() => listedProfiles(own), /\/nonexistent\/list\.json: it cannot be read/);
  });
});
