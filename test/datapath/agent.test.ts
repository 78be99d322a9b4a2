// SPDX-License-Identifier: Apache-2.0
/** The agent as a process: start, stop, death, and every way in which it cannot start. Each leaves the host as it was. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { findCgroup2 } from '../../agent/datapath/cgroup.js';
import { BPFFS, eventually } from '../helpers/kernel-lock.js';
import { withDatapath } from '../helpers/datapath.js';
import { onGround, type Ground } from '../helpers/real-agent.js';
import type { Program } from '../helpers/program.js';

const ids = (what: 'prog' | 'map' | 'link'): number[] =>
  (JSON.parse(execFileSync('bpftool', ['-j', what, 'show'], { encoding: 'utf8' })) as { id: number }[]).map(({ id }) => id);
const kernelNow = (): number[][] => [ids('prog'), ids('map'), ids('link')];

/** What the kernel holds once it has freed what earlier tests gave back. */
async function kernelState(): Promise<number[][]> {
  for (let before = kernelNow(); ; ) {
    await sleep(300);
    const now = kernelNow();
    if (JSON.stringify(now) === JSON.stringify(before)) return now;
    before = now;
  }
}

/** Objects are freed by the kernel a moment after their last reference. */
const sameAs = (before: number[][]): Promise<void> => eventually(() => {
  const now = kernelNow();
  return JSON.stringify(now) === JSON.stringify(before) ? '' : `before ${JSON.stringify(before)}, now ${JSON.stringify(now)}`;
});

async function turns(actor: Program): Promise<void> {
  for (const line of ['send c 1000', 'read s', 'send s 1000', 'read c']) {
    actor.say(line);
    await actor.next();
  }
}

async function accelerated(ground: Ground): Promise<Program> {
  const actor = ground.program('actor.py');
  await actor.next();
  await turns(actor);
  await eventually(() => (ground.pairs()[0]?.state === 'active' ? '' : JSON.stringify(ground.pairs())));
  await turns(actor);
  return actor;
}

async function quit(actor: Program): Promise<void> {
  actor.say('quit');
  await actor.end();
}

describe('the agent', () => {
  it('stopped with Ctrl-C it hands every pair back and leaves no program, map, link or pin; connections go on', () => onGround(async (ground) => {
    const before = await kernelState();
    const agent = await ground.ready();
    const actor = await accelerated(ground);
    const { code, stderr } = await agent.stop('SIGINT');
    assert.equal(code, 0, stderr);
    assert.match(stderr, /retired 1 pair/);
    assert.equal(existsSync(ground.pins), false);
    await sameAs(before);
    await turns(actor);
    await quit(actor);
  }));

  it('connections that were open before it came, or before it was switched on again, are accelerated too', () => onGround(async (ground) => {
    const before = ground.program('actor.py');
    await before.next();
    await turns(before);
    const file = ground.config('datapath:\n  enabled: true\n');
    const agent = ground.start([], file);
    await agent.says('ready');
    const active = (count: number, actors: Program[]): Promise<void> => eventually(async () => {
      for (const actor of actors) await turns(actor);
      const states = ground.pairs().map(({ state }) => state);
      return states.filter((state) => state === 'active').length === count ? '' : states.join(' ');
    }, 8000);
    await active(1, [before]);
    assert.match(agent.stderr, /connections that were open before are being learned/);
    ground.config('datapath:\n  enabled: false\n');
    agent.child.kill('SIGHUP');
    await eventually(() => (ground.cli('status').stdout.includes('disabled') ? '' : 'still enabled'));
    const meanwhile = ground.program('actor.py');
    await meanwhile.next();
    await turns(meanwhile);
    ground.config('datapath:\n  enabled: true\n');
    agent.child.kill('SIGHUP');
    await active(2, [before, meanwhile]);
    await quit(before);
    await quit(meanwhile);
  })).timeout(40_000);

  it('killed with SIGKILL, its pairs stay accelerated; the next one takes them over', () => onGround(async (ground) => {
    const first = await ground.ready();
    const actor = await accelerated(ground);
    const [seen] = ground.pairs();
    await first.stop('SIGKILL');
    await turns(actor);
    const second = await ground.ready();
    assert.match(second.stderr, /took over the datapath of an earlier agent/);
    await turns(actor);
    const [now] = ground.pairs();
    assert.equal(now?.id, seen?.id);
    assert.equal(now?.clientSent.redirectedBytes, (seen?.clientSent.redirectedBytes ?? 0) + 2000);
    await quit(actor);
    assert.equal((await second.stop()).code, 0);
  }));

  it('a second one is refused by the pid of the first, which does not notice', () => onGround(async (ground) => {
    const first = await ground.ready();
    const before = await kernelState();
    const { code, stderr, stdout } = await ground.start().end();
    assert.equal(code, 1, stderr);
    assert.match(stderr + stdout, new RegExp(`another agent serves this host.*${String(first.child.pid)}`, 's'));
    await sameAs(before);
    await quit(await accelerated(ground));
  }));

  it('of several that start at the same moment one serves, and the others name it', () => onGround(async (ground) => {
    const agents = [1, 2, 3, 4].map(() => ground.start());
    const ended = new Set<unknown>();
    for (const agent of agents) void agent.end().then(() => ended.add(agent));
    await eventually(() => (ended.size === 3 ? '' : `${ended.size} of 3 have ended`), 15_000);
    const [left] = agents.filter((agent) => !ended.has(agent));
    await left!.says('ready');
    for (const agent of agents.filter((other) => other !== left)) assert.match(agent.stderr, new RegExp(`another agent serves this host.*${String(left!.child.pid)}`, 's'));
    await quit(await accelerated(ground));
    assert.equal((await left!.stop()).code, 0);
    assert.equal(existsSync(ground.pins), false);
  })).timeout(40_000);

  it('h-host-port-clash: a taken metrics port is said, and traffic is served all the same', () => onGround(async (ground) => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as { port: number };
    await ground.ready(['--set', `metrics.port=${String(port)}`]);
    await quit(await accelerated(ground));
    const status = ground.cli('status');
    assert.equal(status.code, 1);
    assert.match(status.stdout, new RegExp(`no metrics.*${String(port)}`));
    taken.close();
  }));

  it('h-uninstall-leaves-programs: retire --all --uninstall leaves the kernel, the cgroups and the files as they were', () => onGround(async (ground) => {
    const everything = (): string[] => [...kernelNow().map((ids) => JSON.stringify(ids)),
      ...[BPFFS, findCgroup2(), '/run'].flatMap((dir) => readdirSync(dir).map((name) => join(dir, name)))].sort();
    rmSync(ground.runDir, { recursive: true });
    await kernelState();
    const before = everything();
    await ground.ready();
    const actor = await accelerated(ground);
    const { code, stdout, stderr } = ground.cli('retire', '--all', '--uninstall', '--wait');
    assert.deepEqual([code, stderr], [0, '']);
    assert.match(stdout, /^2 sockets left the map; 0 still in it\nnothing of Sidestep is left in the kernel\n$/);
    await eventually(() => (JSON.stringify(everything()) === JSON.stringify(before) ? '' : `${everything().join(' ')} instead of ${before.join(' ')}`));
    assert.deepEqual(readdirSync(ground.runDir), ['state'], 'what was learned stays');
    await turns(actor);
    await quit(actor);
  }));

  it('the same without an agent, of what one left that was killed', () => onGround(async (ground) => {
    const before = await kernelState();
    const agent = await ground.ready();
    const actor = await accelerated(ground);
    await agent.kill();
    const { code, stdout, stderr } = ground.cli('retire', '--all', '--uninstall');
    assert.equal(code, 0, stderr);
    assert.match(stdout, /nothing of Sidestep is left in the kernel/);
    assert.match(stderr, /retired 1 pair/);
    assert.equal(existsSync(ground.pins), false);
    await sameAs(before);
    await turns(actor);
    await quit(actor);
    assert.deepEqual(ground.cli('retire', '--uninstall').stdout, 'nothing of Sidestep is left in the kernel\n');
  }));

  it('a pair that cannot leave is named, with what holds it', () => onGround(async (ground) => {
    await ground.ready();
    const actor = await accelerated(ground);
    actor.say('send c 1000');
    await actor.next();
    const [pair] = ground.pairs();
    const { code, stdout } = ground.cli('retire', '--all', '--timeout', '100ms');
    assert.equal(code, 1);
    assert.match(stdout, /[12] still in it\n {2}1 hold unread bytes/);
    assert.match(stdout, new RegExp(`  ${pair!.id}  .*:${String(pair!.client.port)} -> .*:${String(pair!.server.port)}`));
    actor.say('read s');
    await actor.next();
    assert.equal(ground.cli('retire', '--all').code, 0);
    await quit(actor);
  }));

  it('h-upgrade-duplicates-programs: five agents after one another, the datapath kept each time, load one set', () => onGround(async (ground) => {
    const counts: number[][] = [];
    for (let turn = 0; turn < 5; turn++) {
      const agent = await ground.ready(['--set', 'lifecycle.onExit=keep']);
      counts.push((await kernelState()).map((ids) => ids.length));
      assert.equal((await agent.stop('SIGTERM')).code, 0);
    }
    assert.deepEqual(counts, Array(5).fill(counts[0]));
  })).timeout(60_000);

  it('a hook that somebody else holds alone is named, and nothing is left', () => onGround((ground) => withDatapath({}, async (t) => {
    const { id } = (t.native.info()['programs'] as { type: string; id: number }[]).find(({ type }) => type === 'sock_ops')!;
    // Without flags: no second program may join (h-attach-flags-zero).
    execFileSync('bpftool', ['cgroup', 'attach', ground.cgroup, 'sock_ops', 'id', String(id)]);
    const before = await kernelState();
    const { code, stderr, stdout } = await ground.start().end();
    assert.equal(code, 1);
    assert.match(stderr + stdout, /another program owns a hook.*sidestep_sock_op/s);
    assert.equal(existsSync(ground.pins), false);
    await sameAs(before);
    execFileSync('bpftool', ['cgroup', 'detach', ground.cgroup, 'sock_ops', 'id', String(id)]);
  })));

  it('a bad configuration is refused with file, line and nearest key, before anything is loaded', () => onGround(async (ground) => {
    const before = await kernelState();
    const file = ground.config('datapath:\n  maxPair: 10\n  queueBytes: lots\n');
    const { code, stderr } = await ground.start([], file).end();
    assert.equal(code, 2, stderr);
    assert.match(stderr, /config\.yaml:2:3/);
    assert.match(stderr, /maxPairs/);
    assert.match(stderr, /config\.yaml:3/);
    assert.equal(existsSync(ground.pins), false);
    await sameAs(before);
  }));

  it('a change that is refused leaves the running configuration as it was; a good one is applied', () => onGround(async (ground) => {
    const file = ground.config('datapath:\n  enabled: true\n');
    const agent = ground.start([], file);
    await agent.says('ready');
    ground.config('datapath:\n  enabled: maybe\n');
    agent.child.kill('SIGHUP');
    await eventually(() => (ground.cli('status').stdout.includes('did not load') ? '' : 'not told'));
    const actor = await accelerated(ground);
    ground.config('datapath:\n  enabled: false\n');
    agent.child.kill('SIGHUP');
    await eventually(() => (ground.cli('status').stdout.includes('disabled') ? '' : ground.cli('status').stdout));
    const [before] = ground.pairs();
    await turns(actor);
    assert.equal(ground.pairs()[0]?.clientSent.redirectedBytes, before?.clientSent.redirectedBytes, 'no byte was redirected any more');
    await quit(actor);
  }));

  it('without privileges it says what is missing', () => onGround((ground) => {
    const outcome = (() => {
      try {
        return execFileSync('setpriv', ['--reuid', '65534', '--regid', '65534', '--clear-groups', process.execPath, 'bin/sidestep', '--config', '/dev/null', '--run-dir', ground.runDir, 'agent', ...ground.flags],
          { encoding: 'utf8', stdio: 'pipe' });
      } catch (error) {
        return (error as { stderr: string }).stderr;
      }
    })();
    assert.match(outcome, /root|CAP_/);
    assert.equal(existsSync(ground.pins), false);
    return Promise.resolve();
  }));
});
