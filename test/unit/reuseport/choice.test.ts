import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { loadConfig } from '../../../config/load.js';
import { fakeSharer } from '../../../agent/reuseport/fake.js';
import { generationOf } from '../../../agent/reuseport/generations.js';
import { decide, groupsOf, holdsOf, MOST_LISTENERS } from '../../../agent/reuseport/groups.js';
import type { Owner } from '../../../agent/reuseport/owners.js';
import { Free, Troubles } from '../../../agent/reuseport/seats.js';
import { settingsOf } from '../../../agent/reuseport/settings.js';

const settings = (over: Record<string, string>) =>
  settingsOf(loadConfig({ file: '/dev/null', env: {}, flags: { 'reuseport.enabled': 'true', ...over } }));

const owner = (over: Partial<Owner> = {}): Owner =>
  ({ pid: 7, fd: 3, comm: 'nginx', executable: '/usr/sbin/nginx', cgroupPath: '/web/a', user: 'www', processGroup: 7, cpus: [], ...over });

const info = { programId: 40, tag: '', tookOver: false, oldPrograms: [39] };
const sharer = fakeSharer({ address: '10.1.2.3', uid: 33 });
const [group] = groupsOf([sharer]);
const why = (over: Record<string, string>, holds: 'none' | 'foreign' = 'none', who: Owner | undefined = owner()) =>
  decide(group!, holds, settings(over), () => who);

describe('which groups are balanced', () => {
  it('none, unless a selector names it', () => {
    assert.equal(why({}), 'not_chosen');
    assert.equal(why({ 'reuseport.include': 'port:8080', 'reuseport.enabled': 'false' }), 'disabled');
    for (const text of [
      'port:1-65535', 'port:8000-8080', 'program:nginx', 'exe:/usr/sbin/nginx', 'cgroup:/web', 'cgroup:/web/a', 'cgroup:/', 'user:www', 'user:33',
      'cidr:10.1.0.0/16', 'cidr:10.1.2.3', 'program:nginx port:8080', 'port:9, port:8080',
    ]) assert.equal(why({ 'reuseport.include': text }), 'balanced', text);
    for (const text of [
      'port:8081', 'port:1-8079', 'program:node', 'exe:/usr/bin/nginx', 'cgroup:/we', 'cgroup:/web/a/b', 'user:root', 'user:3',
      'cidr:10.2.0.0/16', 'cidr:fd00::/8', 'program:nginx port:9',
    ]) assert.equal(why({ 'reuseport.include': text }), 'not_chosen', text);
  });

  it('by what is known: who listens may not be', () => {
    const unknown = (text: string) => decide(group!, 'none', settings({ 'reuseport.include': text }), () => undefined);
    assert.deepEqual(['program:nginx', 'cgroup:/', 'user:33', 'port:8080'].map(unknown), ['not_chosen', 'not_chosen', 'not_chosen', 'balanced']);
  });

  it('not what is excluded, whatever names it, and not what has a chooser already', () => {
    const all = { 'reuseport.include': 'port:1-65535' };
    assert.equal(why({ ...all, 'reuseport.exclude': 'port:8080' }), 'excluded');
    assert.equal(why({ ...all, 'reuseport.exclude': 'program:nginx' }), 'excluded');
    assert.equal(why(all, 'foreign'), 'foreign');
    assert.equal(why({}, 'foreign'), 'not_chosen');
  });

  it('not one that is larger than the table of a group', () => {
    const large = groupsOf(Array.from({ length: MOST_LISTENERS + 1 }, (_, number) => fakeSharer({ cookie: String(number + 1) })))[0]!;
    assert.equal(decide(large, 'none', settings({ 'reuseport.include': 'port:8080' }), () => owner()), 'too_many');
  });

  it('sockets of one number are one group, the eldest first', () => {
    const groups = groupsOf([fakeSharer({ cookie: '10' }), fakeSharer({ cookie: '9' }), fakeSharer({ cookie: '11', group: 8 })]);
    assert.deepEqual(groups.map(({ id, sharers }) => [id, sharers.map(({ cookie }) => cookie)]), [[7, ['9', '10']], [8, ['11']]]);
  });

  it('whose chooser it is follows from the number of the program alone', () => {
    const holding = (id: number, name: string) => groupsOf([fakeSharer({ program: { id, name, classic: false } })])[0]!;
    assert.deepEqual([group!, holding(40, 'x'), holding(39, 'x'), holding(41, 'sidestep_reuse')].map((one) => holdsOf(one, info)), ['none', 'ours', 'old', 'foreign']);
  });

  it('weights go by the first entry that fits; policies by protocol', () => {
    const chosen = settings({ 'reuseport.weights': 'cgroup:/web = 5, program:nginx=3', 'reuseport.policy': 'weighted' });
    assert.deepEqual([owner(), owner({ cgroupPath: '/' }), owner({ cgroupPath: '/', comm: 'x' }), undefined].map((one) => chosen.weightOf(sharer, one)), [5, 3, 1, 1]);
    assert.deepEqual([chosen.policyOf('tcp'), chosen.policyOf('udp')], ['weighted', 'sticky']);
  });
});

describe('generations', () => {
  const known = [{ generation: 0, processGroup: 10 }, { generation: 1, processGroup: 20 }];

  it('only a process group that is new to the port begins one, and only when asked to', () => {
    assert.equal(generationOf(30, known, 1, true), 2);
    assert.equal(generationOf(20, known, 1, true), 1);
    assert.equal(generationOf(10, known, 1, true), 0, 'an old server that starts a worker anew stays old');
    assert.equal(generationOf(30, known, 1, false), 1);
    assert.equal(generationOf(0, known, 1, true), 1, 'nobody knows its process');
  });
});

describe('seats', () => {
  it('are the lowest free numbers, until there are none', () => {
    const free = new Free([0, 2], 4);
    assert.deepEqual([free.take(), free.take(), free.take()], [1, 3, undefined]);
    free.giveBack(1);
    assert.deepEqual([free.take(), free.take()], [1, undefined]);
  });

  it('a listener that cannot be had counts the third time, and is tried again after a while', () => {
    let now = 0;
    const troubles = new Troubles(() => now);
    troubles.note('5', 'busy');
    troubles.note('5', 'busy');
    assert.equal(troubles.of(['4', '5']), undefined);
    troubles.note('5', 'busy');
    assert.equal(troubles.of(['4', '5']), 'busy');
    assert.equal(troubles.of(['4']), undefined);
    now = 31_000;
    assert.equal(troubles.of(['4', '5']), undefined);
    for (let time = 0; time < 3; time++) troubles.note('6', 'unreachable');
    troubles.keep(new Set(['5']));
    assert.equal(troubles.of(['6']), undefined);
  });
});
