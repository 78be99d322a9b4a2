// SPDX-License-Identifier: Apache-2.0
/** The guard, with a real agent: programs are watched before their connections are enrolled, and afterwards. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { compile, GNU } from '../helpers/compile.js';
import { folder } from '../helpers/folder.js';
import { eventually } from '../helpers/kernel-lock.js';
import { SLOWNESS } from '../helpers/kernel.js';
import { PROGRAMS } from '../helpers/program.js';
import { onGround, type Ground } from '../helpers/real-agent.js';

const guarded = (test: (ground: Ground) => Promise<void>) => (): Promise<void> => onGround(async (ground) => {
  await ground.ready();
  await test(ground);
});

describe('the guard', () => {
  it('learns an unknown program from its first reads and adopts its live connection', guarded(async (ground) => {
    const actor = ground.program('actor.py');
    await actor.next();
    assert.equal(ground.pairs()[0]?.reason, 'learning');
    for (const line of ['send c 100', 'read s', 'send s 100', 'read c']) {
      actor.say(line);
      await actor.next();
    }
    await eventually(() => (ground.pairs()[0]?.state === 'active' ? '' : JSON.stringify(ground.pairs()[0])));
    for (const line of ['send c 1000', 'read s', 'send s 1000', 'read c']) {
      actor.say(line);
      await actor.next();
    }
    const [pair] = ground.pairs();
    assert.equal(pair?.clientSent.redirectedBytes, 1000);
    assert.equal(pair.serverSent.redirectedBytes, 1000);
    assert.ok(ground.profiles().some((profile) => profile.plain && profile.hazard === ''));
    actor.say('quit');
    await actor.end();
  }));

  it('enrols the next connection of a program that it knows at once', guarded(async (ground) => {
    const actor = ground.program('actor.py');
    await actor.next();
    for (const line of ['send c 100', 'read s', 'send s 100', 'read c', 'open']) {
      actor.say(line);
      await actor.next();
    }
    assert.ok(ground.pairs().some((pair) => pair.state === 'active' && pair.ageMs < 2000 * SLOWNESS && pair.clientSent.passedMessages === 0));
    actor.say('quit');
    await actor.end();
  }));

  it('dp-splice-sees-nothing, dp-noop-skb-verdict-breaks-splice: a program that splices from its first read is never enrolled', guarded(async (ground) => {
    const [report] = await ground.program('splicing.py', { mode: 'first' }).end();
    const results = report?.['results'] as { got: number; ended: string }[];
    assert.deepEqual(results.map(({ got, ended }) => [got, ended]), Array.from({ length: 5 }, () => [50_000, 'EOF']));
    const { connections, messages, resets } = ground.counters();
    assert.deepEqual([connections.redirected, messages.redirected, resets], [0, 0, 0]);
    assert.ok(connections.splice + connections.learning >= 5, JSON.stringify(connections));
    assert.ok(ground.profiles().some((profile) => profile.hazard === 'splice'));
  }));

  it('a proxy that reads the head of a connection and splices the rest is found out on TCP: no connection loses a byte', guarded(async (ground) => {
    const proxy = compile(join(folder(), 'head_then_splice'), [join(PROGRAMS, 'head_then_splice.c')], GNU);
    const [results] = await ground.command([proxy, '8', '20000', '300']).end();
    assert.deepEqual(results, Array.from({ length: 8 }, () => ({ got: 20_000, ended: 'EOF' })));
    const { connections, messages, resets } = ground.counters();
    assert.deepEqual([connections.redirected, messages.redirected, resets], [0, 0, 0]);
    assert.ok(ground.profiles().some((profile) => profile.hazard === 'splice'));
  }));

  it('a known program that begins to splice: a connection that is stuck is reset within a second, the next one takes TCP', guarded(async (ground) => {
    const program = ground.program('splicing.py', { mode: 'late' });
    await program.next();
    await eventually(() => (ground.pairs()[0]?.state === 'active' ? '' : JSON.stringify(ground.pairs()[0])));
    program.say();
    const [report] = await program.end();
    const outcome = report?.['outcome'] as { got: number; ended: string; after: number };
    assert.ok(outcome.ended === 'ECONNABORTED' || outcome.ended === 'ECONNRESET', JSON.stringify(outcome));
    assert.ok(outcome.after < SLOWNESS, `took ${String(outcome.after)} s`);
    assert.equal(report?.['peer'], 'ECONNRESET');
    assert.deepEqual([(report['then'] as { got: number }).got, (report['then'] as { ended: string }).ended], [50_000, 'EOF']);
    const { resets, messages } = ground.counters();
    assert.equal(resets, 1);
    assert.ok(messages.redirected >= 40, 'it was accelerated before');
    const explained = ground.cli('profiles');
    assert.match(explained.stdout, /splice/);
  }));

  it('a blocking connection of a program that usually does not block is not enrolled at its handshake', guarded(async (ground) => {
    const program = ground.program('mixed.py');
    const { port } = await program.next();
    const pair = (): string | undefined => ground.pairs().find(({ client }) => client.port === port)?.reason;
    assert.equal(pair(), 'learning');
    program.say();
    assert.equal((await program.next())['got'], 20);
    assert.equal(pair(), 'blocking');
    program.say();
    await program.end();
  }));

  it('programs with blocking sockets are left alone, and explain says why', guarded(async (ground) => {
    const actor = ground.program('actor.py', { kind: 'blocking_client' });
    const { port } = await actor.next();
    await sleep(150);
    for (const line of ['send s 100', 'read c']) {
      actor.say(line);
      await actor.next();
    }
    const { code, stdout } = ground.cli('explain', String(port));
    assert.equal(code, 1, 'a connection that is not accelerated is a problem found');
    assert.match(stdout, /reason blocking/);
    assert.match(stdout, /O_NONBLOCK/);
    assert.equal(ground.counters().connections.redirected, 0);
    actor.say('quit');
    await actor.end();
  }));
});

describe('a close with bytes unread (dp-close-with-unread-no-reset)', () => {
  for (const reads of [false, true]) {
    it(`resets the writer, also one that waits for room: the reader ${reads ? 'was slow' : 'slept'}`, () => onGround(async (ground) => {
      await ground.ready(['--set', 'datapath.trustListeners=true']);
      const [report] = await ground.program('abandoned.py', { reads }).end();
      assert.equal(report?.['woken'], true, JSON.stringify(report));
      assert.ok((report['seconds'] as number) < SLOWNESS, JSON.stringify(report));
      assert.match(String(report['error']), /^(EPIPE|ECONNRESET|ECONNABORTED)$/);
      assert.ok(ground.counters().messages.redirected > 0, 'it was accelerated before');
      await eventually(() => (ground.pairs().length === 0 ? '' : JSON.stringify(ground.pairs())));
    }));
  }
});
