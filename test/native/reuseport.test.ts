// SPDX-License-Identifier: Apache-2.0
// The chooser of listeners: misuse, an end, sockets that are not what they were said to be.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot, type NativeError } from '../../native/index.js';
import { native, reuseportObjectPath, type NativeReuseport, type NativeReuseportOptions, type NativeRow, type NativeSocket } from '../../native/reuseport.js';
import { FALLBACKS, SKIPS } from '../../agent/reuseport/types.js';
import { schema } from '../../config/schema.js';
import { bpfObjects, noneSince } from '../helpers/bpf-objects.js';
import { folder } from '../helpers/folder.js';
import '../helpers/kernel-lock.js';
import { onGround, type Ground } from '../helpers/reuseport.js';

const options = (over: Partial<NativeReuseportOptions> = {}): NativeReuseportOptions =>
  ({ objectPath: reuseportObjectPath, pinPath: '/sys/fs/bpf/sidestep-test', maxListeners: 64, maxGroups: 8, verifierLog: false, ...over });

async function withChooser(test: (chooser: NativeReuseport) => void | Promise<void>): Promise<void> {
  const chooser = new native.NativeReuseport(options());
  try {
    await test(chooser);
  } finally {
    chooser.close();
  }
}

function refusal(body: () => void): NativeError {
  try {
    body();
  } catch (error) {
    return error as NativeError;
  }
  return assert.fail('it was accepted');
}

const listener = (group: number) => ({ group, generation: 0, weight: 1, cpus: [], fresh: false });
const group = (slots: number[]) => ({ policy: 'round-robin', stuckMs: 0, graceMs: 0, busyMs: 0, generation: 0, socks: slots.length, index: 0, slots });

interface Found { row: NativeRow; socket: NativeSocket }

async function rowsOf(chooser: NativeReuseport, pids: number[]): Promise<Found[]> {
  const rows = (await chooser.walk()).filter(({ port }) => port === 8080 || port === 8081);
  const holders = await native.socketHolders(rows.map(({ inode }) => inode));
  return rows.flatMap((row) => {
    const holder = holders.find(({ inode, pid }) => inode === row.inode && pids.includes(pid));
    return holder ? [{ row, socket: { pid: holder.pid, fd: holder.fd, cookie: row.cookie } }] : [];
  });
}

describe('chooser of listeners', () => {
  it('knows the lists of the agent and of the configuration', () => {
    assert.deepEqual(native.reuseFallbacks, ['unknown_group', ...FALLBACKS]);
    assert.deepEqual(native.reuseClasses, ['ready', ...SKIPS]);
    const { reuseport: { policy } } = schema as unknown as { reuseport: { policy: { format: string[] } } };
    assert.deepEqual(native.reusePolicies, policy.format);
  });

  it('leaves nothing when it is closed, and says so when it is used after', async () => {
    const before = bpfObjects();
    const chooser = new native.NativeReuseport(options());
    chooser.close();
    chooser.close();
    assert.equal(refusal(() => chooser.info()).code, 'closed');
    await noneSince(before);
  });

  it('refuses arguments that make no sense, each with its name', () => withChooser((chooser) => {
    const socket = { pid: 1, fd: 3, cookie: '7' };
    for (const [body, name] of [
      [() => chooser.enlist(-1, listener(1), socket), /slot/],
      [() => chooser.enlist(0, { ...listener(1), weight: 0 }, socket), /weight/],
      [() => chooser.enlist(0, listener(1), { ...socket, cookie: 'x' }), /cookie/],
      [() => chooser.attach({ ...socket, pid: NaN }), /pid/],
      [() => chooser.writeGroup(1, { ...group([]), policy: 'luck' }), /policy/],
      [() => chooser.writeGroup(1, group(Array.from({ length: 257 }, (_, slot) => slot))), /slots/],
      [() => new native.NativeReuseport(undefined as never), /options/],
    ] as const) {
      const error = refusal(body);
      assert.ok(error instanceof TypeError);
      assert.match(error.message, name);
    }
  }));

  it('an object that was compiled from another layout is refused by the name of the field', () => {
    const copy = join(folder(), 'bpf');
    cpSync(join(packageRoot(), 'bpf'), copy, { recursive: true, filter: (path) => !path.endsWith('/build') });
    const path = join(copy, 'include/reuseport_layout.h');
    const text = readFileSync(path, 'utf8');
    writeFileSync(path, text.replace('__u64 turn;\n\t__u64 selected;', '__u64 selected;\n\t__u64 turn;'));
    assert.notEqual(readFileSync(path, 'utf8'), text);
    execFileSync('make', ['-s', '-C', copy], { stdio: ['ignore', 'ignore', 'pipe'] });
    const error = refusal(() => new native.NativeReuseport(options({ objectPath: join(copy, 'build/sk_reuseport.bpf.o') })));
    assert.deepEqual([error.code, /sidestep_reuse_tally\.turn/.test(error.message)], ['layout_mismatch', true]);
  });

  it('a socket that is another one by now, or whose process has gone, is told apart', () => onGround((ground) => withChooser(async (chooser) => {
    const workers = await ground.workers({ workers: 1 });
    const [{ row, socket }] = await rowsOf(chooser, workers.pids) as [Found];
    for (const wrong of [{ ...socket, cookie: '1' }, { ...socket, fd: 999 }, { ...socket, pid: 4_194_303 }]) {
      assert.equal(refusal(() => chooser.enlist(0, listener(row.group), wrong)).code, 'listener_gone');
      assert.equal(refusal(() => chooser.attach(wrong)).code, 'listener_gone');
    }
    assert.deepEqual(chooser.tables().listeners, []);
  })));

  it('a descriptor is borrowed for one call: a listener that its owner closes is closed', () => onGround((ground) => withChooser(async (chooser) => {
    const workers = await ground.workers({ workers: 2 });
    for (const [slot, { row, socket }] of (await rowsOf(chooser, workers.pids)).entries()) chooser.enlist(slot, listener(row.group), socket);
    await workers.leave(workers.pids[0]!);
    assert.equal((await rowsOf(chooser, workers.pids)).length, 1);
  })));

  for (const [where, port] of [['of another network namespace', 8080], ['of another port', 8081]] as const) {
    it(`rp-other-netns-registered: a listener ${where} in the table is refused by the kernel, counted, and costs no connection`, () => onGround((ground) => {
      const with_ = (other: Ground): Promise<void> => withChooser(async (chooser) => {
        const mine = await ground.workers({ workers: 2 });
        const foreign = await other.workers({ workers: 1, port });
        const [a, b] = await rowsOf(chooser, mine.pids) as [Found, Found];
        const [c] = await rowsOf(chooser, foreign.pids) as [Found];
        const id = a.row.group;
        for (const [slot, { socket }] of [a, b, c].entries()) chooser.enlist(slot, listener(id), socket);
        chooser.writeGroup(id, group([0, 1, 2]));
        chooser.attach(a.socket);
        try {
          const { by, ...bad } = await ground.storm({ count: 90 });
          assert.deepEqual(bad, { refused: 0, reset: 0, silent: 0 });
          assert.deepEqual(Object.keys(by).sort(), mine.pids.map(String).sort());
          assert.ok(chooser.tables().groups[0]!.fallbacks['refused']! > 0);
        } finally {
          chooser.detach(a.socket);
        }
      });
      return port === 8080 ? onGround(with_) : with_(ground);
    }));
  }

  it('a group that holds the chooser and is not described is left to the hash', () => onGround((ground) => withChooser(async (chooser) => {
    const workers = await ground.workers({ workers: 2 });
    const [{ socket }] = await rowsOf(chooser, workers.pids) as [Found, Found];
    chooser.attach(socket);
    try {
      const { by, ...bad } = await ground.storm({ count: 60 });
      assert.deepEqual([bad, Object.keys(by).length], [{ refused: 0, reset: 0, silent: 0 }, 2]);
      assert.ok(chooser.tables().unknown >= 60);
    } finally {
      chooser.detach(socket);
    }
  })));

  it('rp-migrated-not-woken: tells by trying whether this kernel moves connections and wakes their new listener', async () => {
    const { migrates, wakes, detail } = await native.probeMigration();
    assert.deepEqual([migrates, detail], ['yes', '4 of 4 moved']);
    // A kernel without the repair says no; what the agent must not do is guess.
    assert.ok(wakes === 'yes' || wakes === 'no');
  });
});
