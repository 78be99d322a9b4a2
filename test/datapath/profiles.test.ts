// SPDX-License-Identifier: Apache-2.0
/** What the guard has learned outlives agent, maps and cgroup: on a real kernel, with programs that are really started. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Edge } from '../../agent/datapath/types.js';
import type { ProfileRow } from '../../agent/guard/view.js';
import { buildDriver } from '../bench/build.js';
import { eventually } from '../helpers/kernel-lock.js';
import { onGround, type Ground, type RealAgent } from '../helpers/real-agent.js';
import { PROGRAMS, type Program } from '../helpers/program.js';

const SOURCE = join(PROGRAMS, '../../bench/rtt.c');

/** A build of its own: the same program, another build id. */
function buildAs(path: string, digit: string): void {
  execFileSync('cc', ['-O2', '-o', `${path}.new`, SOURCE, `-Wl,--build-id=0x${digit.repeat(40)}`]);
  copyFileSync(`${path}.new`, path);
}

interface Run {
  /** Bytes of answers that took TCP: none of a program that is known, the first ones of one that is watched first. */
  readonly watched: number;
  readonly redirected: number;
  readonly connections: number;
}

/** One connection with some messages. */
async function run(ground: Ground, driver: string, cgroup = ground.cgroup): Promise<Run> {
  const answers = (): number => (ground.api('/v1/edges') as { edges: Edge[] }).edges.reduce((sum, { serverSent }) => sum + serverSent.passedBytes, 0);
  const before = ground.counters(), answered = answers();
  await ground.command([driver, '--mode', 'rtt', '--count', '20000', '--nodelay', '--json'], cgroup).end();
  const { messages, connections } = ground.counters();
  return {
    watched: answers() - answered,
    redirected: messages.redirected - before.messages.redirected,
    connections: connections.redirected - before.connections.redirected,
  };
}

const rows = (ground: Ground): ProfileRow[] => ground.profiles() as ProfileRow[];
const called = (ground: Ground, name: string): ProfileRow | undefined => rows(ground).find(({ comm }) => comm === name);

async function restart(ground: Ground, agent: RealAgent, more: readonly string[] = []): Promise<RealAgent> {
  const { code, stderr } = await agent.stop();
  assert.equal(code, 0, stderr);
  assert.equal(existsSync(ground.pins), false, 'the maps are gone');
  return ground.ready(more);
}

const tell = async (program: Program, ...lines: string[]): Promise<void> => {
  for (const line of lines) {
    program.say(line);
    await program.next();
  }
};

describe('profiles that last', function () {
  // Each starts several agents, and each agent tests itself first.
  this.timeout(60_000);

  it('a program that is known is enrolled from its first connection, by an agent that has never seen it run, in its cgroup and in another', () => onGround(async (ground) => {
    const driver = await buildDriver();
    const first = await ground.ready();
    const unknown = await run(ground, driver);
    assert.ok(unknown.redirected > 100, JSON.stringify(unknown));
    await restart(ground, first);
    const kept = called(ground, 'rtt');
    assert.deepEqual([kept?.live, kept?.verdict, kept?.from], [false, 'clean', 'file']);
    const known = await run(ground, driver);
    assert.deepEqual([known.watched, known.connections], [0, 1], JSON.stringify(known));
    const other = join(ground.cgroup, 'other');
    mkdirSync(other);
    assert.deepEqual([(await run(ground, driver, other)).watched], [0]);
  }));

  it('an executable that has changed is learned again: replaced on disk, and replaced in place while the agent runs', () => onGround(async (ground) => {
    const driver = join(ground.runDir, 'service');
    buildAs(driver, 'a');
    let agent = await ground.ready();
    await run(ground, driver);
    agent = await restart(ground, agent);
    assert.equal((await run(ground, driver)).watched, 0, 'known');
    buildAs(driver, 'b');
    assert.ok((await run(ground, driver)).watched > 0, 'another build, in the same file');
    await restart(ground, agent);
    assert.equal((await run(ground, driver)).watched, 0, 'the new build is known');
    const builds = rows(ground).filter(({ comm }) => comm === 'service').map(({ program }) => program);
    assert.deepEqual(builds.sort(), ['a', 'b'].map((digit) => `buildid:${digit.repeat(40)}`));
  }));

  it('an interpreter is known by what it runs and where: the same command is believed before it reads, another is not', () => onGround(async (ground) => {
    const begin = async (seed: number): Promise<Program> => {
      const actor = ground.program('actor.py', { seed });
      await actor.next();
      return actor;
    };
    const quit = async (actor: Program): Promise<void> => {
      actor.say('quit');
      await actor.end();
    };
    const isActive = (): boolean => ground.pairs().some(({ state }) => state === 'active');
    const learned = await ground.ready();
    const actor = await begin(1);
    await tell(actor, 'send c 100', 'read s', 'send s 100', 'read c');
    await eventually(() => (isActive() ? '' : JSON.stringify(ground.pairs())));
    await eventually(() => (called(ground, 'python3')?.profile === '' ? 'not kept yet' : ''), 5000);
    await quit(actor);

    const second = await restart(ground, learned);
    const another = await begin(2);
    await sleep(1500);
    assert.equal(isActive(), false);
    await quit(another);

    await restart(ground, second);
    const same = await begin(1);
    await eventually(() => (isActive() ? '' : JSON.stringify(ground.pairs())));
    await quit(same);
  }));

  it('a hazard that was seen is remembered: the next agent accelerates nothing of that program', () => onGround(async (ground) => {
    const agent = await ground.ready();
    const late = async (): Promise<Record<string, unknown>> => {
      const program = ground.program('splicing.py', { mode: 'late' });
      await program.next();
      await sleep(600);
      program.say();
      return (await program.end())[0] ?? {};
    };
    await late();
    assert.equal(ground.counters().resets, 1, 'it was accelerated, and caught');
    await restart(ground, agent);
    const report = await late();
    const { connections, resets, messages } = ground.counters();
    assert.deepEqual([connections.redirected, messages.redirected, resets], [0, 0, 0], JSON.stringify(report));
    assert.ok(rows(ground).some(({ verdict, live, from }) => verdict === 'unsafe' && live && from === 'file'));
  }));

  it('go from one agent to another, whole or not at all', () => onGround((from) => onGround(async (to) => {
    const driver = await buildDriver();
    await from.ready();
    await run(from, driver);
    const file = join(from.runDir, 'profiles.json');
    assert.match(from.cli('profiles', 'export', '-o', file).stdout, /^1 profile written to /);

    await to.ready();
    const good = readFileSync(file, 'utf8');
    const bad = join(from.runDir, 'bad.json');
    writeFileSync(bad, good.replace('"clean"', '"splendid"'));
    const refused = to.cli('profiles', 'import', bad);
    assert.equal(refused.code, 2);
    assert.match(refused.stderr, /bad\.json:\d+:\d+: profiles\[0\]\.state: expected one of clean, blocking, unsafe/);
    assert.deepEqual(rows(to).filter(({ from: source }) => source === 'import'), []);

    assert.match(to.cli('profiles', 'import', file).stdout, /^1 profile added, 0 changed, 0 known already/);
    assert.match(to.cli('profiles', 'import', file).stdout, /^0 profiles added, 0 changed, 1 known already/);
    assert.equal(called(to, 'rtt')?.from, 'import');
    assert.equal((await run(to, driver)).watched, 0);
    const there = JSON.parse(to.cli('profiles', 'export').stdout) as { profiles: { program: string }[] };
    const here = JSON.parse(good) as typeof there;
    assert.ok(here.profiles.every(({ program }) => there.profiles.some((one) => one.program === program)));
  })));

  it('are forgotten and set while the agent runs', () => onGround(async (ground) => {
    const driver = await buildDriver();
    await ground.ready();
    await run(ground, driver);
    assert.equal((await run(ground, driver)).watched, 0);
    assert.match(ground.cli('profiles', 'forget', 'rtt').stdout, /^forgotten [0-9a-f]{12} rtt \//);
    assert.ok((await run(ground, driver)).watched > 0, 'learned anew');
    assert.match(ground.cli('profiles', 'set', 'rtt', 'unsafe').stdout, /^unsafe [0-9a-f]{12} rtt \//);
    assert.equal((await run(ground, driver)).redirected, 0);
    assert.match(ground.cli('profiles').stdout, /rtt.* unsafe \(splice\) .* operator$/m);
    ground.cli('profiles', 'set', 'rtt', 'clean');
    assert.equal((await run(ground, driver)).watched, 0);
    assert.equal(ground.cli('profiles', 'forget', 'nobody').code, 1);
  }));

  it('that cannot be read are set aside, and that cannot be written are said; the agent serves on', () => onGround(async (ground) => {
    mkdirSync(ground.stateDir);
    const file = join(ground.stateDir, 'profiles.json');
    writeFileSync(file, '{"format": "sidestep-profiles", "version": 1, "prof');
    const agent = await ground.ready();
    assert.equal(agent.stderr.match(/everything is learned anew/g)?.length, 1);
    assert.equal(readFileSync(`${file}.bad`, 'utf8').length, 51);
    await agent.stop();
    const blind = await ground.ready(['--set', 'stateDir=/proc/nowhere']);
    await run(ground, await buildDriver());
    await eventually(() => (ground.cli('status').stdout.includes('profiles do not outlive the agent') ? '' : ground.cli('status').stdout), 5000);
    await sleep(1500);
    assert.equal(blind.stderr.match(/profiles do not outlive the agent/g)?.length, 1);
    assert.equal((await blind.stop()).code, 0);
  }));
});

describe('the learning window', () => {
  const windowed = (settings: Record<string, string>, test: (ground: Ground, actor: Program) => Promise<void>) => (): Promise<void> => onGround(async (ground) => {
    await ground.ready(Object.entries(settings).flatMap(([key, value]) => ['--set', `guard.window.${key}=${value}`]));
    const actor = ground.program('actor.py');
    await actor.next();
    await test(ground, actor);
    actor.say('quit');
    await actor.end();
  });
  const talk = (actor: Program, bytes = 100): Promise<void> => tell(actor, `send c ${bytes}`, 'read s', `send s ${bytes}`, 'read c');
  const state = (ground: Ground): string | undefined => ground.pairs()[0]?.state;

  it('of time holds a program back until it has been watched for so long', windowed({ time: '1500ms' }, async (ground, actor) => {
    const began = performance.now();
    await talk(actor);
    await sleep(500);
    assert.equal(state(ground), 'tcp');
    await eventually(() => (state(ground) === 'active' ? '' : JSON.stringify(ground.pairs())), 5000);
    assert.ok(performance.now() - began >= 1500);
  }));

  it('of bytes counts what was read plainly', windowed({ bytes: '64KiB' }, async (ground, actor) => {
    await talk(actor, 10_000);
    await sleep(600);
    assert.equal(state(ground), 'tcp');
    assert.equal(ground.profiles()[0]?.reads.bytes, 20_000);
    await talk(actor, 30_000);
    await eventually(() => (state(ground) === 'active' ? '' : JSON.stringify(ground.pairs())));
  }));

  it('of connections waits for that many', windowed({ connections: '4' }, async (ground, actor) => {
    await talk(actor);
    await sleep(600);
    assert.equal(state(ground), 'tcp', 'one connection, seen at both its ends');
    await tell(actor, 'open');
    await talk(actor);
    await eventually(() => (ground.pairs().some((pair) => pair.state === 'active') ? '' : JSON.stringify(ground.pairs())));
  }));
});
