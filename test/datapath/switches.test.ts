// SPDX-License-Identifier: Apache-2.0
/** Scope as people use it, with a real agent: the file, its live changes, and the switches of the command line. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { eventually } from '../helpers/kernel-lock.js';
import { onGround, type Ground } from '../helpers/real-agent.js';
import type { Program } from '../helpers/program.js';

async function talk(actor: Program, bytes = 1000): Promise<void> {
  for (const line of [`send c ${bytes}`, 'read s', `send s ${bytes}`, 'read c']) {
    actor.say(line);
    await actor.next();
  }
}

const state = (ground: Ground): string => ground.pairs().map((pair) => `${pair.state} ${pair.reason}`).join();
const becomes = (ground: Ground, wanted: string): Promise<void> => eventually(() => (state(ground) === wanted ? '' : state(ground)), 5000);

async function connected(ground: Ground): Promise<{ actor: Program; port: string; name: string }> {
  const actor = ground.program('actor.py');
  const { port } = await actor.next();
  await talk(actor);
  return { actor, port: String(port), name: ground.pairs()[0]?.client.comm ?? '' };
}

describe('scope, with a real agent', () => {
  it('the file, its changes while connections are open, and a mistake in it', () => onGround(async (ground) => {
    const file = ground.config('scope:\n  exclude:\n    - port:1\n');
    const agent = ground.start([], file);
    await agent.says('ready');
    const { actor, port } = await connected(ground);
    await becomes(ground, 'active redirected');
    ground.config(`scope:\n  exclude:\n    - port:1\n    - user:root port:${port}\n`);
    await becomes(ground, 'tcp excluded');
    const { stdout } = ground.cli('explain', port);
    assert.match(stdout, new RegExp(`excluded by user:root port:${port} \\(${file}:4\\)`));
    assert.match(stdout, new RegExp(`What to do: take user:root port:${port} out of scope.exclude`));
    await talk(actor);

    ground.config('scope:\n  exclude:\n    - port:0-1\n');
    await agent.says('the new configuration was not applied; the agent goes on with the old one');
    assert.match(agent.stderr, /config\.yaml:3:7: scope\.exclude: .*port: takes a port from 1 to 65535/);
    assert.equal(state(ground), 'tcp excluded');

    ground.config('scope:\n  include: [port:1]\n');
    await becomes(ground, 'tcp not_included');
    ground.config('{}\n');
    await becomes(ground, 'active redirected');
    await talk(actor);
    actor.say('quit');
    await actor.end();
  })).timeout(40_000);

  it('a workload is switched off and on by hand; that survives a restart of the agent, not a mistake', () => onGround(async (ground) => {
    let agent = await ground.ready();
    const { actor, port, name } = await connected(ground);
    await becomes(ground, 'active redirected');
    const before = ground.counters().bytes.redirected;
    assert.equal(ground.cli('disable', `program:${name}`).code, 0);
    await talk(actor);
    assert.equal(ground.counters().bytes.redirected, before, 'nothing is redirected from the moment that the command returns');
    await becomes(ground, 'tcp excluded');
    assert.match(ground.cli('explain', port).stdout, new RegExp(`What to do: \`sidestep enable program:${name}\``));
    assert.match(ground.cli('status').stdout, new RegExp(`switched off by hand: program:${name}`));

    await agent.stop();
    agent = await ground.ready();
    assert.match(ground.cli('scope').stdout, new RegExp(`exclude +program:${name} +sidestep disable`));

    const wrong = ground.cli('disable', 'programme:x');
    assert.equal(wrong.code, 2);
    assert.match(wrong.stderr, /"programme:x" does not begin with one of program, exe, cgroup, port, cidr, user and a colon/);
    assert.match(ground.cli('enable', 'port:5').stderr, /port:5 is not disabled/);
    assert.equal(ground.cli('enable').code, 0);
    assert.match(ground.cli('scope').stdout, /no selectors/);
    actor.say('quit');
    await actor.end();
    await agent.stop();
  })).timeout(40_000);

  it('everything is switched off at once, and comes back', () => onGround(async (ground) => {
    const agent = await ground.ready();
    const { actor } = await connected(ground);
    await becomes(ground, 'active redirected');
    ground.cli('disable');
    const before = ground.counters().bytes.redirected;
    await talk(actor);
    assert.equal(ground.counters().bytes.redirected, before);
    await becomes(ground, 'tcp disabled');
    const status = ground.cli('status');
    assert.match(status.stdout, /problem +acceleration was switched off by hand/);
    ground.cli('enable');
    await becomes(ground, 'active redirected');
    await talk(actor);
    assert.ok(ground.counters().bytes.redirected > before);
    actor.say('quit');
    await actor.end();
    await agent.stop();
  })).timeout(40_000);

  it('names that are not there are said, and found when they come', () => onGround(async (ground) => {
    const missing = `${ground.runDir}/program`;
    const agent = await ground.ready(['--set', `scope.exclude=exe:${missing},user:nobody-of-this-name,cgroup:/sidestep-none`]);
    assert.match(agent.stderr, /a selector matches nothing: what it names is not there/);
    assert.match(ground.cli('scope').stdout, new RegExp(`not there: exe:${missing}`));
    writeFileSync(missing, '');
    await eventually(() => (ground.cli('scope').stdout.includes(`not there: exe:${missing}`) ? 'still not there' : ''), 5000);
    await agent.stop();
  })).timeout(30_000);
});
