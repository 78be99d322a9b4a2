import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { between, join, NO_READS, reputeOf, same, shown, STATES, type Conduct } from '../../../agent/guard/conduct.js';
import { wordOf, type SharedProfile } from '../../../agent/guard/exchange.js';
import { isInterpreter } from '../../../agent/guard/interpreters.js';
import { decide, decideWith, idOf, type KnownProfile, type Subject } from '../../../agent/guard/known.js';
import { placeOf } from '../../../agent/guard/place.js';
import { others, told } from '../../../agent/guard/share.js';
import { fakeProfile } from '../agent/fake-profile.js';
import { conducts, known } from './made-up.js';

const subject = (over: Partial<Subject> = {}): Subject =>
  ({ program: 'buildid:00000000', name: 'redis', script: '', place: '/redis.service', interpreter: false, splices: false, ...over });

describe('what is known of a program, joined', () => {
  it('does not depend on order or repetition, and a hazard always wins', () => {
    fc.assert(fc.property(conducts, conducts, conducts, (a, b, c) => {
      assert.ok(same(join(a, b), join(b, a)));
      assert.ok(same(join(join(a, b), c), join(a, join(b, c))));
      assert.ok(same(join(a, a), a));
      assert.equal(join(a, b).state, STATES[Math.max(STATES.indexOf(a.state), STATES.indexOf(b.state))]);
      if (a.state === 'unsafe') assert.ok([a.reason, b.reason].includes(join(b, a).reason));
    }));
  });
});

describe('what is believed of a workload that appears', () => {
  const elsewhere = '/other.service';
  const decided = (entries: readonly KnownProfile[], who: Subject = subject()): string => {
    const conduct = decide(entries, who);
    return conduct === undefined ? 'unknown' : conduct.state;
  };

  it('is what was seen of it in its place', () => {
    for (const state of STATES) assert.equal(decided([known({ state })]), state);
  });

  it('is what was seen elsewhere, if that was clean and nothing else', () => {
    assert.equal(decided([known({ place: elsewhere })]), 'clean');
    assert.equal(decided([known({ place: elsewhere }), known({ place: '/third', state: 'unsafe' })]), 'unknown');
    assert.equal(decided([known({ place: elsewhere, state: 'blocking' })]), 'unknown');
    assert.equal(decided([known({ place: elsewhere, state: 'unsafe' }), known()]), 'clean', 'seen clean here');
  });

  it('is nothing when build, name or script differ', () => {
    assert.equal(decided([known({ program: 'buildid:01010101' }), known({ name: 'sentinel' }), known({ script: 'ff' })]), 'unknown');
  });

  it('of an interpreter is only what was seen of this script in this place', () => {
    const python = subject({ interpreter: true, script: 'aa' });
    assert.equal(decided([known({ script: 'aa' })], python), 'clean');
    assert.equal(decided([known({ script: 'aa', place: elsewhere })], python), 'unknown');
    assert.equal(decided([known({ script: 'bb' })], python), 'unknown');
    assert.equal(decided([known({ program: 'any' })], python), 'unknown');
  });

  it('of a program that may splice is only what was seen in this place, or is said of every place', () => {
    const proxy = subject({ splices: true });
    assert.equal(decided([known()], proxy), 'clean');
    assert.equal(decided([known({ place: elsewhere })], proxy), 'unknown');
    assert.equal(decided([known({ place: '' })], proxy), 'clean');
  });

  it('is what is said of every place, until it was seen to be worse', () => {
    const everywhere = known({ place: '', serves: true });
    assert.equal(decided([everywhere]), 'clean');
    assert.equal(decided([everywhere, known({ place: elsewhere, state: 'unsafe' })]), 'unknown');
    assert.equal(decided([everywhere, known({ state: 'unsafe' })]), 'unsafe');
    assert.equal(decided([known({ place: '', state: 'unsafe' }), known()]), 'unsafe');
  });

  it('by name alone is asked last', () => {
    const byName = known({ program: 'any', place: '', state: 'unsafe' });
    assert.equal(decided([byName]), 'unsafe');
    assert.equal(decided([byName, known()]), 'clean');
    assert.equal(decided([known({ program: 'any', place: '' }), known({ place: elsewhere, state: 'blocking' })]), 'unknown');
  });

  it('is never clean where a hazard of this program is known for its place', () => {
    const places = fc.constantFrom('', '/redis.service', elsewhere, '/pods/*');
    const entries = fc.array(fc.record({ conduct: conducts, place: places, program: fc.constantFrom('buildid:00000000', 'any') }), { maxLength: 6 });
    fc.assert(fc.property(entries, (list) => {
      const all = list.map(({ conduct, ...over }) => known({ ...over, ...conduct }));
      const hazard = all.some(({ state, place, program }) => state === 'unsafe' && program === 'buildid:00000000' && (place === '' || place === '/redis.service'));
      const conduct = decide(all, subject());
      if (hazard) assert.equal(conduct?.state, 'unsafe');
      if (conduct?.state === 'clean' && all.some(({ program }) => program === 'buildid:00000000'))
        assert.ok(all.some(({ state, program }) => state === 'clean' && program === 'buildid:00000000'));
    }));
  });

  it('is given to the kernel as it is: a client that served nothing is not believed as a server', () => {
    const repute = (over: Partial<Conduct>) => reputeOf({ state: 'clean', reason: '', serves: false, plain: true, ...over });
    assert.deepEqual(repute({}), { client: true, server: false, wary: false, hazard: '', plain: false, blocking: false });
    assert.deepEqual(repute({ serves: true }), { client: true, server: true, wary: false, hazard: '', plain: false, blocking: false });
    assert.deepEqual(repute({ state: 'blocking' }), { client: false, server: false, wary: false, hazard: '', plain: true, blocking: true });
    assert.deepEqual(repute({ state: 'unsafe', reason: 'splice' }), { client: false, server: false, wary: false, hazard: 'splice', plain: false, blocking: false });
  });
});

describe('what reads show', () => {
  const row = fakeProfile();
  const reads = (over: object) => ({ ...NO_READS, connections: 1, plain: 2, ...over });

  it('is clean when the window is full, and nothing before', () => {
    assert.equal(shown(row, reads({}))?.state, 'clean');
    assert.equal(shown({ ...row, enough: false }, reads({})), undefined);
    assert.equal(shown({ ...row, known: true }, NO_READS), undefined, 'what is only believed shows nothing');
  });

  it('is worse at once when it is worse', () => {
    assert.deepEqual(shown({ ...row, enough: false, hazard: 'splice' }, reads({ hazard: 1 })), { state: 'unsafe', reason: 'splice', serves: false, plain: false });
    assert.equal(shown({ ...row, enough: false }, reads({ blocking: 1, plain: 0 }))?.state, 'blocking');
  });

  it('of a row that was made anew counts from zero', () => {
    assert.deepEqual(between(reads({ plain: 9 }), reads({ plain: 3 })), reads({ plain: 3 }));
    assert.equal(between(reads({ plain: 9 }), reads({ plain: 12 })).plain, 3);
  });
});

describe('the word of other hosts', () => {
  const theirs = (over: Partial<KnownProfile> = {}): KnownProfile => known({ place: '', origin: 'bus', ...over });
  it('is believed of what is not known here', () => {
    assert.equal(decideWith([], [theirs()], subject())?.state, 'clean');
    assert.equal(decideWith([], [theirs({ program: 'buildid:11111111' })], subject()), undefined);
    assert.equal(decideWith([], [theirs()], subject({ name: 'other' })), undefined);
  });
  it('gives way to what was seen here', () => {
    assert.equal(decideWith([known({ state: 'blocking' })], [theirs()], subject())?.state, 'blocking');
    assert.equal(decideWith([known()], [theirs({ state: 'blocking' })], subject())?.state, 'clean');
  });
  it('takes a clean word back with a hazard', () => {
    const joined = decideWith([known()], [theirs({ state: 'unsafe' })], subject());
    assert.deepEqual([joined?.state, joined?.reason], ['unsafe', 'splice']);
  });
  it('counts for an interpreter only when it is a hazard, of the same script', () => {
    const script = subject({ interpreter: true, script: 'aa' });
    assert.equal(decideWith([], [theirs({ script: 'aa' })], script), undefined);
    assert.equal(decideWith([], [theirs({ script: 'aa', state: 'unsafe' })], script)?.state, 'unsafe');
    assert.equal(decideWith([], [theirs({ script: 'bb', state: 'unsafe' })], script), undefined);
  });
  it('counts for a program that may splice only when it is a hazard', () => {
    assert.equal(decideWith([], [theirs()], subject({ splices: true })), undefined);
    assert.equal(decideWith([], [theirs({ state: 'unsafe' })], subject({ splices: true }))?.state, 'unsafe');
  });
  it('does not come before what any host has seen, in whatever order', () => {
    fc.assert(fc.property(conducts, conducts, (a, b) => {
      const both = [theirs({ ...a }), theirs({ ...b })];
      const forth = decideWith([], both, subject()), back = decideWith([], [...both].reverse(), subject());
      assert.deepEqual(forth, back);
      assert.equal(forth?.state, join(a, b).state);
    }));
  });
  it('is what was seen there: the worst of its places, without what spares nobody anything', () => {
    const said = (...all: KnownProfile[]): unknown[] => [...told(all).values()].map(({ name, state }) => [name, state]);
    assert.deepEqual(said(known(), known({ place: '/elsewhere', state: 'unsafe' })), [['redis', 'unsafe']]);
    assert.deepEqual(said(known({ state: 'blocking' }), known({ place: '/elsewhere' })), []);
    assert.deepEqual(said(known({ origin: 'operator' }), known({ name: 'b', origin: 'bus' }), known({ name: 'c', origin: 'import' }), known({ program: 'any' })), []);
    assert.deepEqual(said(known({ name: 'python3', script: 'aa' }), known({ name: 'node', script: 'bb', state: 'unsafe' })), [['node', 'unsafe']]);
  });
  it('of several hosts is joined', () => {
    const one = (host: string, over: Partial<KnownProfile>): SharedProfile => ({ version: 1, host, sequence: 1, leaseMs: 1, ...wordOf(theirs(over)) });
    assert.deepEqual(others([one('a', {}), one('b', { state: 'unsafe' }), one('c', { name: 'x' })]).map(({ name, state, origin }) => [name, state, origin]),
      [['redis', 'unsafe', 'bus'], ['x', 'clean', 'bus']]);
  });
});

describe('a place', () => {
  for (const [path, place] of [
    ['/system.slice/redis-server.service', '/system.slice/redis-server.service'],
    ['/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod0a1b2c3d_1111_2222_3333_0123456789ab.slice/cri-containerd-' + 'a1'.repeat(32) + '.scope',
      '/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod*.slice/cri-containerd-*.scope'],
    ['/kubepods/besteffort/pod0a1b2c3d-1111-2222-3333-0123456789ab/' + '0f'.repeat(32), '/kubepods/besteffort/pod*/*'],
    ['/system.slice/docker-' + '9e'.repeat(32) + '.scope', '/system.slice/docker-*.scope'],
    ['/user.slice/user-1000.slice/session-c12.scope', '/user.slice/user-1000.slice/session-*.scope'],
    ['/system.slice/run-u77.service', '/system.slice/run-*.service'],
    ['/user.slice/user-1000.slice/user@1000.service/app.slice/app-editor-4711.scope', '/user.slice/user-1000.slice/user@1000.service/app.slice/app-editor-*.scope'],
    ['/', '/'], ['', ''],
  ] as const) {
    it(`of ${path || 'nothing'} is ${place || 'nothing'}`, () => {
      assert.equal(placeOf(path), place);
      assert.equal(placeOf(place), place);
    });
  }
});

describe('an interpreter', () => {
  for (const name of ['python3', 'python3.11', 'node', 'java', 'perl5.36', 'ruby3.1', 'bash', 'busybox', 'php-fpm8.2', 'beam.smp', 'ld-linux-x86-64.so.2',
    'ld-musl-x86_64.so.1', 'qemu-aarch64-static', 'dotnet', 'luajit-2.1'])
    it(`is ${name}`, () => { assert.ok(isInterpreter(name)); });
  for (const name of ['redis-server', 'nginx', 'nodelet', 'javac-server', 'envoy', 'postgres', 'sshd', 'memcached', 'rubyist', 'ldapd'])
    it(`is not ${name}`, () => { assert.ok(!isInterpreter(name)); });
});

describe('the id of a profile', () => {
  it('is twelve digits, and another one when anything of it differs', () => {
    const one = known();
    assert.match(idOf(one), /^[0-9a-f]{12}$/);
    const others = [known({ name: 'x' }), known({ program: 'buildid:99' }), known({ script: 'aa' }), known({ place: '/x' })];
    assert.equal(new Set([one, ...others].map(idOf)).size, 5);
    assert.equal(idOf(known({ state: 'unsafe', seen: '' })), idOf(one));
  });
});
