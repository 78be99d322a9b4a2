// SPDX-License-Identifier: Apache-2.0
// Whom the operator wants accelerated: each kind of selector, what wins over what, and changes while connections are open.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { basename } from 'node:path';
// The rules of the kernel are tried without the agent's list of names.
// eslint-disable-next-line no-restricted-imports
import type { NativeSelector } from '../../native/index.js';
import { startActor } from '../helpers/actor.js';
import { withDatapath, type TestDatapath } from '../helpers/datapath.js';
import { eventually } from '../helpers/kernel-lock.js';
import { withPods } from '../helpers/pods.js';
import { parseSelector } from '../../config/selector.js';

type Terms = Omit<NativeSelector, 'effect'>;

const states = (t: TestDatapath): string[] => t.pairs().map((pair) => `${pair.state} ${pair.reason}`);
const inode = (path: string): bigint => statSync(path, { bigint: true }).ino;

function executable(path: string): Terms {
  const { ino, dev } = statSync(path, { bigint: true });
  return { exeInode: ino, exeDev: dev };
}

function network(text: string): Terms {
  const selector = parseSelector(`cidr:${text}`);
  assert.ok(typeof selector !== 'string' && selector.network);
  return { address: Buffer.from(selector.network.address), prefix: selector.network.prefix };
}

const python = (): string => execFileSync('python3', ['-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' }).trim();
const comm = (): string => basename(python()).slice(0, 15);

/** One connection that exchanges bytes; its state. */
async function stateUnder(t: TestDatapath, scope: NativeSelector[]): Promise<string> {
  t.native.applyScope(scope);
  const actor = await startActor(t);
  await actor.talk(1000);
  const [state = ''] = states(t);
  await actor.quit();
  await eventually(() => (t.pairs().length === 0 ? '' : 'the pair is still there'));
  return state;
}

describe('scope', () => {
  const kinds: Record<string, { fits: (t: TestDatapath) => Terms; other: (t: TestDatapath) => Terms }> = {
    'a program': { fits: () => ({ program: comm() }), other: () => ({ program: 'other' }) },
    'an executable': { fits: () => executable(python()), other: () => executable('/bin/sh') },
    'a cgroup': { fits: (t) => ({ cgroup: inode(t.cgroup) }), other: (t) => ({ cgroup: inode(t.newCgroup()) }) },
    'a cgroup above': { fits: (t) => ({ cgroup: inode(`${t.cgroup}/..`) }), other: (t) => ({ cgroup: inode(t.newCgroup(t.cgroup)) }) },
    'a network': { fits: () => network('127.0.0.0/8'), other: () => network('128.0.0.0/8') },
    'an address': { fits: () => network('127.0.0.1'), other: () => network('127.0.0.2') },
    'any address': { fits: () => network('0.0.0.0/0'), other: () => network('::1') },
    'a user': { fits: () => ({ uid: 0 }), other: () => ({ uid: 65534 }) },
    'several terms': { fits: () => ({ program: comm(), uid: 0 }), other: () => ({ program: comm(), uid: 1 }) },
  };
  for (const [kind, { fits, other }] of Object.entries(kinds)) {
    it(`${kind} is excluded, and another is not`, () => withDatapath({}, async (t) => {
      assert.equal(await stateUnder(t, [{ effect: 'exclude', ...other(t) }]), 'active redirected');
      assert.equal(await stateUnder(t, [{ effect: 'exclude', ...fits(t) }]), 'tcp excluded');
      assert.equal(await stateUnder(t, [{ effect: 'include', ...other(t) }]), 'tcp not_included');
      assert.equal(await stateUnder(t, [{ effect: 'include', ...fits(t) }]), 'active redirected');
      const { excluded, not_included, redirected } = t.counters().connections;
      assert.deepEqual([excluded, not_included, redirected], [1, 1, 2]);
    }));
  }

  it('exclusion wins over inclusion and trust, in whatever order', () => withDatapath({}, async (t) => {
    const rules: NativeSelector[] = [
      { effect: 'include', uid: 0 }, { effect: 'trust', uid: 0 }, { effect: 'blocking', uid: 0 }, { effect: 'exclude', program: comm() },
    ];
    assert.equal(await stateUnder(t, rules), 'tcp excluded');
    assert.equal(await stateUnder(t, rules.reverse()), 'tcp excluded');
  }));

  it('a port, or a range of them: that of the server', () => withDatapath({}, async (t) => {
    const actor = await startActor(t);
    const [pair] = t.pairs();
    const { port } = pair!.server;
    for (const [first, last, state] of [[port, port, 'leaving excluded'], [port - 1, port + 1, 'leaving excluded'], [port + 1, port + 1, 'active redirected'],
      [pair!.client.port, pair!.client.port, 'active redirected']] as const) {
      t.native.applyScope([{ effect: 'exclude', portFirst: first, portLast: last }]);
      assert.equal(states(t)[0], state, `${first}-${last}`);
      t.native.applyScope([]);
      await eventually(async () => {
        await t.retirePass('leaving');
        await t.native.learnPass();
        t.pairs();
        return states(t)[0] === 'active redirected' ? '' : states(t).join();
      });
    }
    await actor.quit();
  }));

  it('the address and port that the client asked for count too, behind NAT', async () => withPods((pods) => withDatapath({}, async (t) => {
    const serve = (): ReturnType<TestDatapath['start']> => t.start('serve.py', { host: pods.b4, port: 8080 }, { netns: pods.b });
    for (const [terms, reason] of [[network(pods.service.host), 'excluded'], [{ portFirst: 80, portLast: 80 }, 'excluded'],
      [network(pods.b4), 'excluded'], [{ portFirst: 8080, portLast: 8080 }, 'excluded'], [network('10.77.200.0/24'), 'redirected']] as const) {
      t.native.applyScope([{ effect: 'exclude', ...terms }]);
      const before = t.counters().connections[reason];
      const server = serve();
      await server.next();
      const client = t.start('ask.py', { host: pods.service.host, port: pods.service.port }, { netns: pods.a });
      await client.next();
      client.say();
      await client.end();
      await server.kill();
      assert.equal(t.counters().connections[reason] - before, 1, JSON.stringify(terms));
    }
  }))).timeout(60_000);

  it('switched off in the middle: not one more message is redirected, the pair leaves, nothing is lost; back on, it comes back', () => withDatapath({}, async (t) => {
    const actor = await startActor(t);
    for (let turn = 0; turn < 5; turn++) {
      await actor.talk(3000);
      await actor.tell('send c 2000'); // waits in the map while the pair has to leave
      const before = t.redirected();
      t.native.applyScope([{ effect: 'exclude', program: comm() }]);
      await actor.tell('send c 1000');
      await actor.tell('send s 1000');
      assert.equal(t.redirected(), before);
      await actor.tell('read s');
      await actor.tell('read c');
      await eventually(async () => ((await t.retirePass('leaving')).left === 0 ? '' : 'still in the map'));
      assert.deepEqual(states(t), ['tcp excluded']);
      await actor.talk(3000);
      assert.equal(t.redirected(), before);
      t.native.applyScope([]);
      await eventually(async () => ((await t.native.learnPass()) === 0 ? '' : 'still undecided'));
      assert.deepEqual(states(t), ['active redirected']);
    }
    await actor.talk(5000);
    await actor.quit();
  }));

  it('under load, switched off and on again and again, no stream is hurt', () => withDatapath({}, async (t) => {
    const load = t.start('load.py', { connections: 8, seed: 7 });
    await load.next();
    for (let turn = 0; turn < 8; turn++) {
      t.native.applyScope([{ effect: 'exclude', program: comm() }]);
      await eventually(async () => ((await t.retirePass('leaving')).left === 0 ? '' : 'still in the map'), 10_000);
      const before = t.redirected();
      t.native.applyScope([]);
      await eventually(async () => ((await t.native.learnPass()) === 0 ? '' : 'still undecided'), 10_000);
      await eventually(() => (t.redirected() > before ? '' : 'nothing is redirected again'));
    }
    load.say();
    await load.end();
  })).timeout(60_000);

  it('trust enrols ends that nobody has seen reading', () => withDatapath({ trustListeners: false }, async (t) => {
    assert.equal(await stateUnder(t, [{ effect: 'trust', program: 'other' }]), 'tcp learning');
    t.native.applyScope([{ effect: 'trust', cgroup: inode(t.cgroup) }]);
    const actor = await startActor(t);
    assert.deepEqual(states(t), ['active redirected']);
    await actor.talk(1000);
    assert.equal(t.redirected(), 2000);
    await actor.quit();
  }));

  it('a blocking end is served where the operator accepts it, and only there', () => withDatapath({}, async (t) => {
    for (const [scope, redirected] of [[[], 0], [[{ effect: 'blocking', program: comm() }], 2000]] as const) {
      t.native.applyScope(scope as unknown as NativeSelector[]);
      const before = t.redirected();
      const actor = await startActor(t, { kind: 'blocking_client' });
      await actor.talk(1000);
      assert.equal(t.redirected() - before, redirected);
      await actor.quit();
    }
  }));

  it('a blocking end that is accepted may be woken with EAGAIN: the known difference', () => withDatapath({}, async (t) => {
    assert.deepEqual(await t.run('lenient.py', {}, { cgroup: t.newCgroup() }), { woken: '3 bytes' }, 'plain TCP waits');
    t.native.applyScope([{ effect: 'blocking', program: comm() }]);
    assert.deepEqual(await t.run('lenient.py'), { woken: 'EAGAIN' });
    assert.ok(t.redirected() >= 200_000);
  }));

  it('observe: learns as ever, enrols nothing, counts what would have been redirected', () => withDatapath({ trustListeners: false, observe: true }, async (t) => {
    const actor = await startActor(t);
    await actor.talk(1000);
    await eventually(async () => ((await t.native.learnPass()) === 0 ? '' : 'still undecided'));
    assert.deepEqual(states(t), ['tcp observed']);
    t.settings({ observe: false });
    await eventually(async () => ((await t.native.learnPass()) === 0 ? '' : 'still undecided'));
    assert.deepEqual(states(t), ['active redirected'], 'what was observed is accelerated from now on');
    t.settings({ observe: true });
    assert.deepEqual(states(t), ['leaving observed']);
    await eventually(async () => ((await t.retirePass('leaving')).left === 0 ? '' : 'still in the map'));
    await actor.talk(4000);
    await actor.quit();
    await eventually(() => (t.pairs().length === 0 ? '' : 'the pair is still there'));
    assert.equal(t.counters().bytes.observed, 10_000);
    assert.ok(t.counters().messages.observed >= 4);
    assert.equal(t.redirected(), 0);
  }));

  it('observe, for some: learns as ever, enrols nothing of them, counts it; others are accelerated', () => withDatapath({ trustListeners: false }, async (t) => {
    const quiet = t.newCgroup(t.cgroup);
    t.native.applyScope([{ effect: 'observe', cgroup: inode(quiet) }, { effect: 'include', uid: 0 }]);
    const [some, others] = [await startActor(t, {}, { cgroup: quiet }), await startActor(t)];
    for (const actor of [some, others]) await actor.talk(1000);
    await eventually(async () => ((await t.native.learnPass()) === 0 ? '' : 'still undecided'));
    assert.deepEqual(states(t).sort(), ['active redirected', 'tcp observed']);
    assert.equal(t.pairs().find(({ reason }) => reason === 'observed')!.selector, 0, 'what decided');
    await others.quit();
    t.native.applyScope([{ effect: 'observe', cgroup: inode(quiet) }, { effect: 'exclude', uid: 0 }]);
    assert.deepEqual(states(t), ['tcp excluded'], 'exclusion wins');
    t.native.applyScope([]);
    await eventually(async () => ((await t.native.learnPass()) === 0 ? '' : 'still undecided'));
    assert.deepEqual(states(t), ['active redirected'], 'what was observed is accelerated from now on');
    t.native.applyScope([{ effect: 'observe', cgroup: inode(quiet) }]);
    assert.deepEqual(states(t), ['leaving observed']);
    await eventually(async () => ((await t.retirePass('leaving')).left === 0 ? '' : 'still in the map'));
    const before = t.redirected();
    await some.talk(4000);
    await some.quit();
    await eventually(() => (t.pairs().length === 0 ? '' : 'the pair is still there'));
    assert.ok(t.counters().bytes.observed >= 8000, String(t.counters().bytes.observed));
    assert.equal(t.redirected(), before);
  }));

  it('takes the place of an earlier scope when an agent takes over', () => withDatapath({ scope: [{ effect: 'exclude', uid: 0 }] }, async (t) => {
    const actor = await startActor(t);
    assert.deepEqual(states(t), ['tcp excluded']);
    t.native.close();
    t.open({ scope: [] });
    assert.ok(t.tookOver);
    assert.deepEqual(states(t), ['tcp learning']);
    await actor.talk(100);
    await eventually(async () => ((await t.native.learnPass()) === 0 ? '' : 'still undecided'));
    assert.deepEqual(states(t), ['active redirected']);
    await actor.quit();
  }));

  it('a full table is taken, one more is refused', () => withDatapath({}, async (t) => {
    const rule: NativeSelector = { effect: 'exclude', program: 'other' };
    assert.equal(await stateUnder(t, [...Array<NativeSelector>(127).fill(rule), { effect: 'exclude', uid: 0 }]), 'tcp excluded');
    assert.throws(() => { t.native.applyScope(Array<NativeSelector>(129).fill(rule)); }, /at most 128/);
  }));
});
