import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'mocha';
import { loadConfig } from '../../../config/load.js';
import { FakeReuseportHost, fakeSharer } from '../../../agent/reuseport/fake.js';
import { Reuseport } from '../../../agent/reuseport/reuseport.js';
import { MigrateSysctl } from '../../../agent/reuseport/sysctl.js';
import { eventually } from '../../helpers/kernel.js';
import { keptLog, type Line } from '../../helpers/log.js';

const config = (over: Record<string, string> = {}) =>
  loadConfig({ file: '/dev/null', env: {}, flags: { 'reuseport.enabled': 'true', 'reuseport.include': 'port:8080', 'reuseport.interval': '1m', ...over } });

describe('balancing as a step of the agent', () => {
  let host: FakeReuseportHost;
  let lines: Line[];
  let made: Reuseport[];

  beforeEach(() => {
    host = new FakeReuseportHost();
    host.chooser.sharers = [fakeSharer({ cookie: '1', inode: '91' })];
    made = [];
  });

  const start = async (over: Record<string, string> = {}): Promise<Reuseport> => {
    const kept = keptLog();
    lines = kept.lines;
    const reuseport = new Reuseport(config(over), host, '/nonexistent', kept.log);
    made.push(reuseport);
    await reuseport.start();
    return reuseport;
  };
  const calls = (): string[] => host.chooser.calls.splice(0);

  it('opens nothing while it is off, unless an agent that died left something', async () => {
    await start({ 'reuseport.enabled': 'false' });
    assert.deepEqual(host.opened, []);
    host.left = true;
    host.chooser.sharers[0]!.program = { id: 40, name: 'sidestep_reuse', classic: false };
    await start({ 'reuseport.enabled': 'false' });
    assert.deepEqual(calls(), ['detach 7', 'close']);
  });

  it('gives every group back at a stop, and leaves them as they are when told to keep them', async () => {
    await (await start()).stop(false);
    assert.deepEqual(calls().slice(-4), ['detach 7', 'forget 7', 'release 0', 'close']);
    await (await start()).stop(true);
    assert.deepEqual(calls(), ['enlist 0 1', 'group 7 [0] least-queue', 'attach 7', 'close']);
  });

  it('follows the configuration: off, on, another policy', async () => {
    const reuseport = await start();
    calls();
    for (const [over, last] of [
      [{ 'reuseport.enabled': 'false' }, 'close'], [{}, 'attach 7'], [{ 'reuseport.policy': 'sticky' }, 'group 7 [0] sticky'],
    ] as const) {
      reuseport.configure(config(over));
      await reuseport.view();
      assert.equal(calls().at(-1), last);
    }
    await reuseport.stop(false);
  });

  it('looks again as soon as the chooser says that a group has changed', async () => {
    const reuseport = await start();
    host.chooser.sharers = [...host.chooser.sharers, fakeSharer({ cookie: '2', inode: '92', program: { id: 40, name: 'sidestep_reuse', classic: false } })];
    host.chooser.changed();
    await eventually(() => (host.chooser.calls.includes('enlist 1 2 fresh') ? '' : host.chooser.calls.join(', ')));
    await reuseport.stop(false);
  });

  it('a look that fails leaves groups as they are, is said once and shown until one succeeds', async () => {
    const reuseport = await start();
    const walk = host.chooser.walk.bind(host.chooser);
    host.chooser.walk = () => Promise.reject(new Error('no more'));
    for (let time = 0; time < 3; time++) assert.equal((await reuseport.view()).failure, 'no more');
    assert.equal(lines.filter(({ level }) => level === 'error').length, 1);
    host.chooser.walk = walk;
    assert.equal((await reuseport.view()).failure, '');
    await reuseport.stop(false);
  });

  it('says when this kernel does not wake whom connections have moved to (rp-migrated-not-woken)', async () => {
    host.migration = { migrates: 'yes', wakes: 'no', detail: '4 of 4 moved' };
    const reuseport = await start();
    await eventually(() => (lines.some(({ level, msg }) => level === 'warn' && msg.includes('does not wake')) ? '' : 'not said'));
    assert.equal(reuseport.lastView().migration?.wakes, 'no');
    await reuseport.stop(false);
  });

  it('sets the sysctl only when told to, only where it is off, and puts it back', async () => {
    await (await start()).stop(false);
    assert.equal(host.sysctl.size, 0);
    const reuseport = await start({ 'reuseport.migrateSysctl': 'set' });
    assert.deepEqual([...host.sysctl], [[4026531840, true]]);
    await reuseport.stop(false);
    assert.deepEqual([...host.sysctl], [[4026531840, false]]);
    host.sysctl.set(5, true);
    const sysctl = new MigrateSysctl(host, keptLog().log);
    await sysctl.set([5]);
    await sysctl.restore();
    assert.equal(host.sysctl.get(5), true, 'it was on before');
  });
});
