import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'mocha';
import { loadConfig } from '../../../config/load.js';
import { SidestepError } from '../../../agent/errors.js';
import { Balancer } from '../../../agent/reuseport/balancer.js';
import { FakeReuseportHost, fakeSharer, type FakeChooser } from '../../../agent/reuseport/fake.js';
import { Owners } from '../../../agent/reuseport/owners.js';
import { settingsOf } from '../../../agent/reuseport/settings.js';
import { keptLog, type Line } from '../../helpers/log.js';

const settings = (over: Record<string, string> = {}) =>
  settingsOf(loadConfig({ file: '/dev/null', env: {}, flags: { 'reuseport.enabled': 'true', 'reuseport.include': 'port:8080', ...over } }));

const sharers = (...cookies: string[]) => cookies.map((cookie) => fakeSharer({ cookie, inode: `9${cookie}`, socks: cookies.length }));

describe('one look at the groups of listeners', () => {
  let chooser: FakeChooser;
  let balancer: Balancer;
  let lines: Line[];
  let sizes: { maxListeners: number; maxGroups: number };

  beforeEach(() => {
    const host = new FakeReuseportHost();
    chooser = host.chooser;
    const kept = keptLog();
    lines = kept.lines;
    sizes = { maxListeners: 8, maxGroups: 2 };
    const owners = new Owners({ holders: (inodes) => host.holders(inodes), cgroupRoot: '/nonexistent', proc: '/nonexistent' });
    balancer = new Balancer(chooser, owners, sizes, kept.log);
  });

  const calls = (): string[] => chooser.calls.splice(0);
  const why = (): string[] => balancer.seen.map((one) => one.why);

  it('describes a group before it attaches, once, and then changes nothing that has not changed (rp-program-replaced-under-traffic)', async () => {
    chooser.sharers = sharers('1', '2');
    await balancer.look(settings());
    assert.deepEqual(calls(), ['enlist 0 1', 'enlist 1 2', 'group 7 [0 1] least-queue', 'attach 7']);
    await balancer.look(settings());
    assert.deepEqual(calls(), []);
    chooser.sharers = [...chooser.sharers, ...sharers('3')].map((sharer) => ({ ...sharer, socks: 3, program: { id: 40, name: 'sidestep_reuse', classic: false } }));
    await balancer.look(settings());
    assert.deepEqual(calls(), ['enlist 2 3 fresh', 'group 7 [0 1 2] least-queue']);
    await balancer.look(settings({ 'reuseport.policy': 'round-robin' }));
    assert.deepEqual(calls(), ['group 7 [0 1 2] round-robin']);
  });

  it('a listener that has gone leaves the description before its seat is given away (rp-table-not-shrunk)', async () => {
    chooser.sharers = sharers('1', '2', '3');
    await balancer.look(settings());
    calls();
    chooser.sharers = chooser.sharers.filter(({ cookie }) => cookie !== '2').map((sharer) => ({ ...sharer, socks: 2 }));
    await balancer.look(settings());
    assert.deepEqual(calls(), ['group 7 [0 2] least-queue', 'release 1']);
  });

  it('a group that nothing names any more gets its hash back, and is forgotten (rp-program-outlives-owner)', async () => {
    chooser.sharers = sharers('1');
    await balancer.look(settings());
    calls();
    await balancer.look(settings({ 'reuseport.include': '' }));
    assert.deepEqual(calls(), ['detach 7', 'forget 7', 'release 0']);
    assert.deepEqual(why(), ['not_chosen']);
    assert.ok(lines.some(({ msg }) => msg === 'a group of listeners is the kernel\'s again'));
  });

  it('a number that the kernel gave to another group brings nothing of the old one', async () => {
    chooser.sharers = sharers('1', '2');
    await balancer.look(settings());
    calls();
    chooser.sharers = [fakeSharer({ cookie: '5', inode: '95' })];
    await balancer.look(settings());
    assert.deepEqual(calls(), ['forget 7', 'release 0', 'release 1', 'enlist 2 5', 'group 7 [2] least-queue', 'attach 7']);
  });

  it('a chooser of somebody else is never replaced, and ours is forgotten when it has been', async () => {
    chooser.sharers = sharers('1');
    await balancer.look(settings());
    calls();
    chooser.sharers = sharers('1').map((sharer) => ({ ...sharer, program: { id: 99, name: 'theirs', classic: false } }));
    await balancer.look(settings());
    assert.deepEqual([calls(), why()], [['forget 7', 'release 0'], ['foreign']]);
    assert.ok(lines.some(({ level, chooser: name }) => level === 'warn' && name === 'theirs'));
  });

  it('a group is served as a whole: one whose listener cannot be reached stays the kernel\'s', async () => {
    chooser.sharers = sharers('1', '2');
    chooser.gone.add('2');
    for (let time = 0; time < 4; time++) await balancer.look(settings());
    assert.ok(!calls().includes('attach 7'));
    assert.deepEqual(why(), ['unreachable']);
    assert.equal(chooser.seats.size, 0);
  });

  it('a listener that belongs to somebody else\'s map is named, and the group is given back', async () => {
    chooser.sharers = sharers('1');
    await balancer.look(settings());
    chooser.sharers = [...chooser.sharers, fakeSharer({ cookie: '2', inode: '92', program: { id: 40, name: 'sidestep_reuse', classic: false } })];
    chooser.refused.set('2', new SidestepError('hook_busy'));
    for (let time = 0; time < 4; time++) await balancer.look(settings());
    assert.ok(calls().includes('detach 7'));
    assert.deepEqual(why(), ['busy']);
  });

  it('more than there is room for is left alone, and the rest is served', async () => {
    sizes.maxListeners = 2;
    chooser.sharers = [...sharers('1', '2'), fakeSharer({ cookie: '3', inode: '93', group: 8, address: '10.0.0.1' })];
    for (let time = 0; time < 4; time++) await balancer.look(settings());
    assert.deepEqual(why(), ['balanced', 'too_many']);
  });

  it('a chooser of an earlier version is replaced in place when its tables are ours, and goes first when they are not', async () => {
    const held = () => sharers('1').map((sharer) => ({ ...sharer, program: { id: 39, name: 'sidestep_reuse', classic: false } }));
    chooser.state = { ...chooser.state, oldPrograms: [39], tookOver: true };
    chooser.sharers = held();
    await balancer.look(settings());
    assert.deepEqual(calls(), ['enlist 0 1', 'group 7 [0] least-queue', 'attach 7']);
    chooser.state = { ...chooser.state, tookOver: false };
    chooser.sharers = held();
    await balancer.look(settings());
    assert.deepEqual(calls(), ['detach 7', 'forget 7', 'release 0', 'enlist 1 1', 'group 7 [1] least-queue', 'attach 7']);
  });

  it('a rotation makes the next listeners a generation of their own', async () => {
    chooser.sharers = sharers('1');
    await balancer.look(settings());
    assert.equal((await balancer.rotate(({ first }) => first.port === 8080, settings())).length, 1);
    chooser.sharers = [...chooser.sharers, fakeSharer({ cookie: '2', inode: '92', program: { id: 40, name: 'sidestep_reuse', classic: false } })];
    await balancer.look(settings());
    assert.deepEqual([...chooser.seats.values()].map(({ cookie, generation }) => [cookie, generation]), [['1', 0], ['2', 1]]);
    assert.equal(chooser.groups.get(7)?.generation, 1);
    assert.deepEqual(await balancer.rotate(({ first }) => first.port === 9, settings()), []);
  });

  it('leaves every group at the end, through whichever of its listeners can be reached', async () => {
    chooser.sharers = sharers('1', '2');
    await balancer.look(settings());
    calls();
    chooser.gone.add('1');
    assert.deepEqual(await balancer.leaveAll(), []);
    assert.deepEqual(calls(), ['detach 7', 'forget 7', 'release 0', 'release 1']);
    await balancer.look(settings());
    chooser.gone.add('2');
    for (const sharer of chooser.sharers) sharer.program = { id: 40, name: 'sidestep_reuse', classic: false };
    assert.equal((await balancer.leaveAll()).length, 1);
  });
});
