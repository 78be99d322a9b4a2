// SPDX-License-Identifier: Apache-2.0
// Opening is a transaction: what cannot be opened says why in words, and leaves everything as it was.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { native, packageRoot, type NativeError, type NativeOptions } from '../../native/index.js';
import { bpfObjects, noneSince } from '../helpers/bpf-objects.js';
import { withDatapath, type TestDatapath } from '../helpers/datapath.js';
import { folder } from '../helpers/folder.js';

function refusal(t: TestDatapath, over: Partial<NativeOptions>): NativeError {
  try {
    new native.NativeDatapath({ ...t.options, ...over }).close();
  } catch (error) {
    return error as NativeError;
  }
  return assert.fail('it was opened');
}

/** The programs, compiled from a copy whose layout.h was changed. */
function doctored(change: (layout: string) => string): string {
  const copy = join(folder(), 'bpf');
  cpSync(join(packageRoot(), 'bpf'), copy, { recursive: true, filter: (path) => !path.endsWith('/build') });
  const path = join(copy, 'include/layout.h');
  const before = readFileSync(path, 'utf8');
  const after = change(before);
  assert.notEqual(after, before);
  writeFileSync(path, after);
  execFileSync('make', ['-s', '-C', copy], { stdio: ['ignore', 'ignore', 'pipe'] });
  return join(copy, 'build/sidestep.bpf.o');
}

describe('datapath that cannot be opened', () => {
  it('no BPF object', () => withDatapath({}, (t) => {
    t.native.uninstall();
    const error = refusal(t, { objectPath: '/nonexistent/sidestep.bpf.o' });
    assert.deepEqual([error.code, error.errno], ['load_failed', 2]);
    assert.match(error.message, /\/nonexistent\/sidestep\.bpf\.o/);
    return Promise.resolve();
  }));

  it('a file that is no BPF object', () => withDatapath({}, (t) => {
    t.native.uninstall();
    assert.equal(refusal(t, { objectPath: join(packageRoot(), 'package.json') }).code, 'load_failed');
    return Promise.resolve();
  }));

  it('pins elsewhere than on bpffs', () => withDatapath({}, async (t) => {
    t.native.uninstall();
    const before = bpfObjects();
    const error = refusal(t, { pinPath: join(folder(), 'pins') });
    assert.equal(error.code, 'no_bpffs');
    assert.match(error.message, /mount -t bpf/);
    await noneSince(before);
  }));

  for (const [what, cgroupPath] of [['a directory that is no cgroup', '/tmp'], ['no directory', '/nonexistent'], ['a file', '/etc/hostname']] as const) {
    it(`a cgroup that is ${what}`, () => withDatapath({}, async (t) => {
      t.native.uninstall();
      const before = bpfObjects();
      const error = refusal(t, { cgroupPath });
      assert.ok(['no_cgroup2', 'attach_failed'].includes(error.code), error.code);
      assert.ok(error.message.includes(cgroupPath), error.message);
      assert.equal(existsSync(join(t.options.pinPath, 'current')), false);
      assert.equal(existsSync(join(t.options.pinPath, 'new')), false);
      await noneSince(before);
    }));
  }

  it('pins of another layout are refused and left as they were', () => withDatapath({}, async (t) => {
    await t.run('random_sizes.py', { rounds: 5 });
    const redirected = t.redirected();
    const settings = join(t.options.pinPath, 'current/map_settings');
    const [{ value }] = JSON.parse(execFileSync('bpftool', ['-j', 'map', 'dump', 'pinned', settings], { encoding: 'utf8' })) as [{ value: string[] }];
    const write = (layout: readonly string[]): void => {
      execFileSync('bpftool', ['map', 'update', 'pinned', settings, 'key', '0', '0', '0', '0', 'value', ...layout, ...value.slice(4)]);
    };
    t.native.close();
    const before = bpfObjects();
    write(['0xe7', '0x03', '0', '0']); // 999
    const error = refusal(t, {});
    assert.equal(error.code, 'pins_foreign_layout');
    assert.match(error.message, /layout 999/);
    await noneSince(before);
    assert.equal(existsSync(settings), true);
    await t.run('random_sizes.py', { rounds: 5 });
    write(value.slice(0, 4));
    t.open();
    assert.ok(t.redirected() > redirected, 'it went on all the time');
  }));

  it('programs with another layout are refused by the name of the field', () => withDatapath({}, async (t) => {
    const moved = doctored((layout) => layout.replace(/(struct sidestep_event \{[^}]*?)(\t__u32 type;\n)(\t__u32 reason;\n)/, '$1$3$2'));
    const before = bpfObjects();
    const error = refusal(t, { objectPath: moved });
    assert.equal(error.code, 'layout_mismatch');
    assert.match(error.message, /field sidestep_event\.(type|reason)/);
    await noneSince(before);
    assert.equal(t.tookOver, false, 'the running one is untouched');
    await t.run('random_sizes.py', { rounds: 5 });
    assert.ok(t.redirected() > 0);
  })).timeout(60_000);

  it('programs with a larger struct are refused by its name', () => withDatapath({}, (t) => {
    const larger = doctored((layout) => layout.replace('struct sidestep_retire {\n', 'struct sidestep_retire {\n\t__u64 more;\n'));
    assert.match(refusal(t, { objectPath: larger }).message, /struct sidestep_retire/);
    return Promise.resolve();
  })).timeout(60_000);
});
