import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, it } from 'mocha';
import type { HostProcess } from '../../../agent/datapath/types.js';
import { SidestepError } from '../../../agent/errors.js';
import { readProfiles, textOf, type ProfilesFile } from '../../../agent/guard/file.js';
import { Identifier } from '../../../agent/guard/identify.js';
import { idOf } from '../../../agent/guard/known.js';
import { Subjects } from '../../../agent/guard/subjects.js';
import { profileRows } from '../../../agent/guard/view.js';
import { verdictOf } from '../../../agent/pairs/profiles.js';
import { folder } from '../../helpers/folder.js';
import { Host, none, reads } from './host.js';
import { known } from './made-up.js';

describe('the memory of the guard', () => {
  let host: Host;
  beforeEach(() => { host = new Host(); });

  it('keeps what a workload has shown, and gives it to the kernel when the next agent starts', async () => {
    const service = host.program('service', '1');
    const process = host.run(service);
    const first = host.guard();
    await first.guard.start();
    assert.equal(host.datapath.seeds.size, 0);
    host.row(process, { reads: reads({ accepted: 1 }) });
    await first.guard.stop();

    host.datapath.profileList = [];
    const second = host.guard();
    await second.guard.start();
    assert.deepEqual(host.datapath.seeds.get(process.id), { client: true, server: true, wary: false, hazard: '', plain: false, blocking: false });
    assert.deepEqual([...host.datapath.reputes], [[`${process.exeInode} service`, { client: true, server: true, wary: false, hazard: '', plain: false, blocking: false }]]);
    assert.deepEqual(second.store.all()[0]?.evidence, { connections: 2, plain: 5, blocking: 0, hazard: 0, bytes: 50 });
    await second.guard.stop();
  });

  it('is asked with the first sign of a workload', async () => {
    const first = host.guard([known({ program: `buildid:${'2'.repeat(40)}`, name: 'client', place: '' })]);
    await first.guard.start();
    const process = host.run(host.program('client', '2'));
    host.row(process, { plain: false, reads: none });
    await host.datapath.appear(process.id);
    assert.equal(host.datapath.seeds.get(process.id)?.client, true);
    await first.guard.stop();
  });

  it('believes other hosts of what it does not know, until one of them has met a hazard', async () => {
    const { guard, profiles } = host.guard();
    await guard.start();
    const process = host.run(host.program('client', '2'));
    host.row(process, { plain: false, reads: none });
    await host.datapath.appear(process.id);
    assert.equal(host.datapath.seeds.get(process.id)?.client, false);
    const theirs = known({ program: `buildid:${'2'.repeat(40)}`, name: 'client', place: '', origin: 'bus' });
    await guard.hear([theirs]);
    assert.equal(host.datapath.seeds.get(process.id)?.client, true);
    assert.deepEqual([...host.datapath.reputes.values()].map(({ client }) => client), [true], 'also for processes to come');
    await guard.hear([{ ...theirs, ...known({ state: 'unsafe' }), program: theirs.program, name: theirs.name, place: '' }]);
    assert.equal(host.datapath.seeds.get(process.id)?.hazard, 'splice');
    assert.deepEqual(profiles.export().profiles, [], 'the word of others is not kept as our own');
    await guard.stop();
  });

  it('knows a program before it runs, by the path where it was seen', async () => {
    const path = host.program('service', '3');
    const elsewhere = [known({ program: `buildid:${'3'.repeat(40)}`, name: 'service', executable: path, place: '/somewhere.service' })];
    await host.guard(elsewhere).guard.start();
    assert.equal(host.datapath.reputes.size, 1);
    copyFileSync(host.program('service', '4'), path);
    host.datapath.reputes.clear();
    await host.guard(elsewhere).guard.start();
    assert.equal(host.datapath.reputes.size, 0, 'another build at that path');
  });

  it('takes back what the kernel believes of a program as soon as a hazard is seen', async () => {
    const service = host.run(host.program('service', '5'));
    const { guard, store } = host.guard();
    await guard.start();
    host.row(service, { reads: reads() });
    await guard.look();
    assert.equal(host.datapath.reputes.size, 1);
    host.row(service, { hazard: 'splice', reads: reads({ hazard: 1 }) });
    await guard.look();
    assert.equal(host.datapath.reputes.size, 0);
    assert.deepEqual(store.all().map(({ state, reason }) => [state, reason]), [['unsafe', 'splice']]);
    host.row(service, { hazard: 'splice', reads: reads({ plain: 500, hazard: 1 }) });
    await guard.look();
    assert.equal(store.all()[0]?.state, 'unsafe', 'plain reads do not make it better');
    await guard.stop();
  });

  it('does not take a seed for something that was seen', async () => {
    const path = host.program('service', '6');
    const process = host.run(path);
    const listed = [known({ program: `buildid:${'6'.repeat(40)}`, name: 'service', place: '', state: 'blocking' })];
    const { guard, store } = host.guard(listed);
    host.row(process, { plain: false, reads: none });
    await guard.start();
    assert.equal(host.datapath.seeds.get(process.id)?.blocking, true);
    host.row(process, { blocking: true, reads: { ...none, blocking: 1, plain: 1 } });
    await guard.look();
    assert.deepEqual(store.all(), []);
    host.row(process, { blocking: true, reads: { ...none, blocking: 2, plain: 1 } });
    await guard.look();
    assert.deepEqual(store.all().map(({ state, evidence }) => [state, evidence.blocking]), [['blocking', 1]]);
    await guard.stop();
  });

  it('saves what it has when the kernel cannot be asked any more', async () => {
    const process = host.run(host.program('service', 'd'));
    const { guard } = host.guard();
    await guard.start();
    host.row(process, { reads: reads() });
    await guard.look();
    host.datapath.broken = new Error('gone');
    await assert.rejects(guard.stop(), /gone/);
    assert.equal(readProfiles(readFileSync(join(host.stateDir, 'profiles.json'), 'utf8'), 'x').length, 1);
  });

  it('does not count twice what an agent before it has kept', async () => {
    const process = host.run(host.program('service', '7'));
    const first = host.guard();
    await first.guard.start();
    host.row(process, { reads: reads() });
    await first.guard.stop();
    const second = host.guard();
    await second.guard.start();
    host.row(process, { reads: reads({ plain: 8 }) });
    await second.guard.stop();
    assert.equal(host.guard().store.all()[0]?.evidence.plain, 8);
  });

  describe('of an interpreter', () => {
    let python: string;
    let script: string;
    beforeEach(() => {
      python = host.program('python3', '8');
      script = join(folder(), 'serve.py');
      writeFileSync(script, 'print(1)');
    });
    const learn = async (process: HostProcess): Promise<void> => {
      const { guard } = host.guard();
      host.row(process, { reads: none });
      await guard.start();
      host.row(process, { reads: reads() });
      await guard.stop();
    };
    const isKnown = async (process: HostProcess): Promise<boolean> => {
      host.datapath.seeds.clear();
      host.datapath.processList = [process];
      host.row(process, { plain: false, reads: none });
      const { guard } = host.guard();
      await guard.start();
      await guard.stop();
      return host.datapath.seeds.get(process.id)?.client === true;
    };

    it('holds for the same command with the same script in the same place, and for nothing else', async () => {
      await learn(host.run(python, { args: [script, '--port', '80'] }));
      assert.equal(await isKnown(host.run(python, { args: [script, '--port', '80'] })), true);
      assert.equal(await isKnown(host.run(python, { args: [script, '--port', '81'] })), false);
      assert.equal(await isKnown(host.run(python, { args: [script, '--port', '80'], place: '/other.service' })), false);
      writeFileSync(script, 'print(2)');
      assert.equal(await isKnown(host.run(python, { args: [script, '--port', '80'] })), false);
      assert.equal(host.datapath.reputes.size, 0, 'the kernel never believes an interpreter as such');
    });

    it('is not kept when a file that it names is no file: nothing of that kind is ever opened', async () => {
      execFileSync('mkfifo', [`${script}.fifo`]);
      await learn(host.run(python, { args: ['-m', 'serve', `${script}.fifo`, '/dev/null', '/tmp'] }));
      assert.equal(existsSync(join(host.stateDir, 'profiles.json')), false);
    });

    it('is not kept when its command line does not say what runs, or its workload runs several scripts', async () => {
      await learn(host.run(python, { args: ['-m', 'serve'] }));
      assert.equal(existsSync(join(host.stateDir, 'profiles.json')), false);
      host.run(python, { args: [script, 'other'] });
      await learn(host.run(python, { args: [script] }));
      assert.equal(existsSync(join(host.stateDir, 'profiles.json')), false);
    });
  });

  it('names a command that has ended by the file where commands are, if it is that very file', async () => {
    const { ino, dev, ctimeNs } = statSync('/usr/bin/env', { bigint: true });
    const gone = { id: 'b'.repeat(16), pid: 0, comm: 'env', cgroup: '7', exeInode: String(ino), exeDev: String(dev), exeChanged: String(ctimeNs) };
    const subjects = new Subjects(host.datapath, new Identifier(host.proc), { pathOf: () => '/jobs/run-r0123456789abcdef.scope' });
    const found = await subjects.of(gone);
    assert.match(found?.subject.program ?? '', /^buildid:/);
    assert.equal(found?.subject.place, '/jobs/run-*.scope');
    assert.equal(await subjects.of({ ...gone, exeChanged: '1' }), undefined);
  });

  it('a process number that has passed to another workload names nobody', async () => {
    const process = host.run(host.program('service', '9'));
    host.datapath.processList = [{ ...process, id: 'c'.repeat(16) }];
    const subjects = new Subjects(host.datapath, new Identifier(host.proc), { pathOf: () => '/x' });
    assert.equal(await subjects.of(process), undefined);
  });

  describe('in the hands of a person', () => {
    const code = (wanted: string) => (error: unknown): boolean => error instanceof SidestepError && error.code === wanted;

    it('is exported and imported by another, whole or not at all; a hazard is never taken back', async () => {
      const process = host.run(host.program('service', 'a'));
      const { guard, profiles, store } = host.guard();
      await guard.start();
      host.row(process, { hazard: 'splice', reads: reads({ hazard: 1 }) });
      await guard.look();
      const mine = store.all()[0]!;
      const clean = textOf({ ...profiles.export(), profiles: [{ ...mine, state: 'clean', reason: '' }, known()] });
      assert.deepEqual(await profiles.import(clean, 'x'), { added: 1, changed: 0, unchanged: 1 });
      assert.equal(store.get(idOf(mine))?.state, 'unsafe');
      assert.equal(store.all().length, 2);

      const before = store.all();
      assert.throws(() => profiles.import(clean.replace('"redis"', '""').replace('"service"', '"served"'), 'y.json'), code('profiles_invalid'));
      assert.deepEqual(store.all(), before);

      const other = new Host();
      const there = other.guard();
      await there.guard.start();
      assert.deepEqual(await there.profiles.import(textOf(profiles.export()), 'x'), { added: 2, changed: 0, unchanged: 0 });
      const mineOf = ({ profiles: all }: ProfilesFile): object[] => all.map((one) => ({ ...one, origin: '' }));
      assert.deepEqual(mineOf(there.profiles.export()), mineOf(profiles.export()));
      await guard.stop();
      await there.guard.stop();
    });

    it('is forgotten and set by name or id; the kernel forgets too', async () => {
      const process = host.run(host.program('service', 'b'));
      const { guard, profiles, store } = host.guard();
      await guard.start();
      host.row(process, { hazard: 'splice', reads: reads({ hazard: 1 }) });
      await guard.look();
      const [{ id } = { id: '' }] = await profiles.set('service', 'clean');
      assert.deepEqual([store.get(id)?.state, store.get(id)?.origin], ['clean', 'operator']);
      assert.ok(host.datapath.calls.includes(`forget ${process.id}`));
      assert.equal(host.datapath.seeds.get(process.id)?.client, true);

      host.row(process, { reads: none });
      assert.deepEqual(await profiles.forget(id), [{ id, name: 'service', place: '/one.service' }]);
      assert.deepEqual([store.all(), host.datapath.seeds.get(process.id)?.client, host.datapath.reputes.size], [[], false, 0]);
      await assert.rejects(profiles.forget('service'), code('not_found'));
      await assert.rejects(profiles.set('nobody', 'clean'), code('not_found'));
      await guard.stop();
    });

    it('shows workloads with what is kept of them, and what is only remembered', async () => {
      const process = host.run(host.program('service', 'c'));
      const listed = [known({ program: 'any', name: 'ghost', place: '', origin: 'preseed' })];
      const first = host.guard(listed);
      await first.guard.start();
      host.row(process, { reads: reads() });
      await first.guard.stop();
      const { guard } = host.guard(listed);
      await guard.start();
      const views = host.datapath.profiles().map((row) => ({ ...row, verdict: verdictOf(row), executable: '', cgroupPath: '' }));
      const rows = profileRows(guard, views).map(({ comm, live, from, program, verdict }) => [comm, live, from, program.slice(0, 12), verdict]);
      assert.deepEqual(rows, [['service', true, 'file', 'buildid:cccc', 'clean'], ['ghost', false, 'preseed', 'any', 'clean']]);
      await guard.stop();
    });
  });
});
