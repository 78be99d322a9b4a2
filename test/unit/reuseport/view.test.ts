import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'mocha';
import { loadConfig } from '../../../config/load.js';
import { renderExplained } from '../../../agent/cli/render/explain.js';
import { renderReuseport } from '../../../agent/cli/render/reuseport.js';
import { fakeSharer } from '../../../agent/reuseport/fake.js';
import { readReuseport } from '../../../agent/reuseport/metrics.js';
import { Owners, readCpuList } from '../../../agent/reuseport/owners.js';
import { settingsOf } from '../../../agent/reuseport/settings.js';
import type { Seat, Sharer } from '../../../agent/reuseport/types.js';
import { stateOf } from '../../../agent/reuseport/view.js';
import { folder } from '../../helpers/folder.js';
import { fakeGroup, fakeListener, fakeReuseportView } from '../../helpers/reuseport-view.js';

const settings = settingsOf(loadConfig({ file: '/dev/null', env: {}, flags: {} }));
const seat = (over: Partial<Seat> = {}): Seat => ({
  slot: 0, cookie: '1', group: 7, generation: 0, ageMs: -1, selected: 0, migrated: 0, headMs: 0, workedMs: 0,
  skipped: { busy: 0, draining: 0, new: 0, stuck: 0, full: 0, gone: 0 }, ...over,
});
const state = (sharer: Partial<Sharer>, over: Partial<Seat> = {}, generation = 0) => stateOf(fakeSharer(sharer), seat(over), generation, settings);

describe('how a listener is', () => {
  it('as the chooser judges it', () => {
    assert.equal(state({}), 'ready');
    assert.equal(state({ depth: 129, room: 128 }), 'full');
    assert.equal(state({ depth: 3, waitedMs: 501 }), 'stuck');
    assert.equal(state({ depth: 3, waitedMs: 499 }), 'ready');
    assert.equal(state({ depth: 700 * 3, room: 1e6, protocol: 'udp' }, { headMs: 900 }), 'stuck', 'a datagram does not tell its age');
    assert.equal(state({ depth: 0 }, { headMs: 900 }), 'ready', 'what was there has been read');
    assert.equal(state({}, { workedMs: 19 }), 'ready');
    assert.equal(state({}, { workedMs: 21 }), 'busy');
    assert.equal(state({ protocol: 'udp' }, { workedMs: 21 }), 'ready');
    assert.equal(state({}, { ageMs: 10 }), 'new');
    assert.equal(state({}, { ageMs: 10, selected: 1 }), 'ready', 'it has accepted');
    assert.equal(state({}, { ageMs: 501 }), 'ready');
    assert.equal(state({}, {}, 1), 'draining');
    assert.equal(stateOf(fakeSharer(), undefined, 0, settings), 'unlisted');
  });
});

describe('sidestep reuseport', () => {
  it('draws balanced groups with their listeners, and one line for each of the others', () => {
    const stuck = fakeListener({ cookie: '13', pid: 503, state: 'stuck', selected: 20, skipped: { busy: 0, draining: 0, new: 0, stuck: 1500, full: 0, gone: 0 }, depth: 4, waitedMs: 2300 });
    const view = fakeReuseportView({
      groups: [
        fakeGroup({ balanced: false, why: 'foreign', because: 'another program selects among its listeners', port: 443, program: { id: 9, name: 'quic\u001b[2J' } }),
        fakeGroup({ family: 'ipv6', address: '::', fallbacks: { no_listener: 3, refused: 0 }, listeners: [fakeListener(), fakeListener({ cookie: '12', pid: 502 }), stuck] }),
      ],
    });
    assert.deepEqual(renderReuseport({ apiVersion: 1, ...view }, 120), [
      'tcp [::]:8080  netns 4026531840  least-queue  3 left to the kernel',
      '  LISTENER    SOCKET  STATE  GEN  GIVEN  SHARE  MOVED IN  PASSED OVER  WAITING   FOR',
      '  worker/501  11      ready    0     40  40.0%         2            0        0     -',
      '  worker/502  12      ready    0     40  40.0%         2            0        0     -',
      '  worker/503  13      stuck    0     20  20.0%         2         1.5k        4  2.3s',
      '',
      'tcp 0.0.0.0:443  netns 4026531840  left to the kernel: another program selects among its listeners: quic?[2J (id 9); 2 listeners: worker/501, worker/502',
    ]);
  });

  it('says when it is off, when nothing shares a port, and when the latest look failed', () => {
    const lines = (over: Parameters<typeof fakeReuseportView>[0]) => renderReuseport({ apiVersion: 1, ...fakeReuseportView(over) }, 80);
    assert.deepEqual(lines({ enabled: false }), ['listeners are not balanced: reuseport.enabled is false']);
    assert.deepEqual(lines({ groups: [] }), ['nothing listens with SO_REUSEPORT']);
    assert.deepEqual(lines({ groups: [], failure: 'no more' })[0], 'the latest look failed: no more');
  });
});

describe('sidestep explain of a shared port', () => {
  it('says whether it is balanced and how its listeners are, also when no connection is there', () => {
    const answer = { apiVersion: 1 as const, query: '8080', answers: [], tuned: [], doors: [] };
    const lines = (over: Parameters<typeof fakeGroup>[0]) => renderExplained({ ...answer, groups: [fakeGroup(over)] }).at(-1);
    const listeners = [fakeListener(), fakeListener({ state: 'stuck' }), fakeListener()];
    assert.equal(lines({ listeners }), 'port 8080/tcp is shared by 3 listeners: balanced by least-queue, 2 ready, 1 stuck');
    assert.equal(lines({ balanced: false, because: 'reuseport.enabled is false' }), 'port 8080/tcp is shared by 2 listeners: left to the kernel, as reuseport.enabled is false');
    assert.match(renderExplained({ ...answer, groups: [] }).join('\n'), /^no local connection matches 8080/);
  });
});

describe('metrics of listeners', () => {
  it('are of balanced groups only, and of nothing while it is off', () => {
    const samples = (over: Parameters<typeof fakeReuseportView>[0]) => {
      const seen: string[] = [];
      readReuseport(fakeReuseportView(over), (name, labels, value) => { seen.push(`${name}${JSON.stringify(labels)} ${JSON.stringify(value)}`); });
      return seen;
    };
    assert.deepEqual(samples({ enabled: false }), []);
    const seen = samples({ groups: [fakeGroup(), fakeGroup({ port: 443, balanced: false, why: 'foreign' })] });
    assert.ok(seen.includes('sidestep_reuseport_selections_total{"port":"8080","protocol":"tcp","workload":"worker","listener":"12"} 40'));
    assert.ok(seen.includes('sidestep_reuseport_groups{"why":"foreign"} 1'));
    assert.ok(!seen.some((line) => line.includes('"443"')));
  });
});

describe('who holds a listener', () => {
  it('CPU lists', () => {
    assert.deepEqual(readCpuList('0-2,5'), [0, 1, 2, 5]);
    assert.deepEqual(readCpuList(''), []);
  });

  it('is found once, remembered while the socket lives, and looked for again after a while when nobody was found', async () => {
    const proc = folder();
    mkdirSync(join(proc, '77'));
    writeFileSync(join(proc, '77/comm'), 'web server\n');
    writeFileSync(join(proc, '77/stat'), '77 (web (1) server) S 1 70 70 0 -1\n');
    writeFileSync(join(proc, '77/status'), 'Name:\tweb\nCpus_allowed_list:\t0\n');
    symlinkSync('/usr/bin/web', join(proc, '77/exe'));
    const passwd = join(proc, 'passwd');
    writeFileSync(passwd, 'root:x:0:0::/:/bin/sh\nwww:x:33:33::/:/bin/sh\n');
    const asked: string[][] = [];
    let now = 0;
    const owners = new Owners({
      holders: (inodes) => {
        asked.push([...inodes]);
        return Promise.resolve(inodes.includes('91') ? [{ inode: '91', pid: 77, fd: 4 }] : []);
      },
      cgroupRoot: '/nonexistent', proc, passwd, retryMs: 5000, now: () => now,
    });
    const both = [fakeSharer({ cookie: '1', inode: '91', uid: 33 }), fakeSharer({ cookie: '2', inode: '92' })];
    await owners.learn(both);
    await owners.learn(both);
    assert.deepEqual(asked, [['91', '92']]);
    const { comm, executable, processGroup, user, pid, fd } = owners.of('1')!;
    assert.deepEqual([comm, executable, processGroup, user, pid, fd], ['web server', '/usr/bin/web', 70, 'www', 77, 4]);
    assert.deepEqual([owners.socket('1'), owners.socket('2')], [{ pid: 77, fd: 4, cookie: '1' }, undefined]);
    now = 6000;
    await owners.learn(both);
    assert.deepEqual(asked.slice(1), [['92']]);
    owners.forget('1');
    await owners.learn(both);
    assert.deepEqual(asked.slice(2), [['91']]);
    await owners.learn([]);
    assert.equal(owners.of('1'), undefined);
  });
});
