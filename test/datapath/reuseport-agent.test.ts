// SPDX-License-Identifier: Apache-2.0
/** Balancing as people run it: in the agent, across its stops and deaths, by its commands. */
import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import '../helpers/kernel-lock.js';
import type { GroupView, ReuseportView } from '../../agent/reuseport/view.js';
import { eventually } from '../helpers/kernel.js';
import { onGround as onAgentGround, type Ground as AgentGround } from '../helpers/real-agent.js';
import { choosers, onGround, PORT, spreads, type Ground } from '../helpers/reuseport.js';

const on = ['--set', 'reuseport.enabled=true', '--set', `reuseport.include=port:${PORT}`, '--set', 'reuseport.graceTime=0'];
const off = ['--set', 'reuseport.enabled=false'];

const both = (test: (agents: AgentGround, ground: Ground) => Promise<void>): Promise<void> =>
  onAgentGround((agents) => onGround((ground) => test(agents, ground)));

function read(agents: AgentGround): ReuseportView {
  const { code, stdout, stderr } = agents.cli('reuseport', '-o', 'json');
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout) as ReuseportView;
}

const balancedGroup = (agents: AgentGround): GroupView => {
  const group = read(agents).groups.find(({ port, balanced }) => port === PORT && balanced);
  assert.ok(group);
  return group;
};

const assertBalanced = (ground: Ground): Promise<void> => spreads(ground, 1.25, { count: 1000 });

describe('reuseport: the agent', () => {
  it('does nothing unless it is told to', () => both(async (agents, ground) => {
    await ground.workers();
    await agents.ready();
    assert.deepEqual([choosers(ground), read(agents).groups], [[], []]);
    const { code, stdout } = agents.cli('reuseport');
    assert.deepEqual([code, stdout], [0, 'listeners are not balanced: reuseport.enabled is false\n']);
  }));

  it('stopped, it leaves no chooser; told to keep, it leaves it in force for the next one', () => both(async (agents, ground) => {
    await ground.workers();
    for (const more of [[], ['--set', 'lifecycle.onExit=keep']]) {
      const agent = await agents.ready([...on, ...more]);
      assert.equal(balancedGroup(agents).listeners.length, 4);
      await agent.stop('SIGINT');
      if (more.length > 0) break;
      await eventually(() => (choosers(ground).length === 0 ? '' : 'the chooser is still loaded'));
    }
    assert.equal(choosers(ground).length, 1);
    await assertBalanced(ground);
    const next = await agents.ready(on);
    await next.stop('SIGINT');
    await eventually(() => (choosers(ground).length === 0 ? '' : 'the chooser is still loaded'));
  })).timeout(40_000);

  it('killed, the kernel balances on; the next one takes over the group with its program, counts and generation', () => both(async (agents, ground) => {
    await ground.workers();
    const agent = await agents.ready(on);
    await assertBalanced(ground);
    assert.equal(agents.cli('reuseport', 'rotate', String(PORT)).code, 0);
    const before = balancedGroup(agents);
    await agent.stop('SIGKILL');
    // That it was the chooser who chose, the counts below tell; how evenly it does without news of the agent is not promised.
    await spreads(ground, 1.35, { count: 1000 });
    const next = await agents.ready(on);
    assert.match(next.stderr, /took over the groups of listeners of an earlier agent/);
    const after = balancedGroup(agents);
    assert.deepEqual([after.program, after.generation, after.generation], [before.program, before.generation, 1]);
    const given = ({ listeners }: GroupView): number => listeners.reduce((sum, { selected }) => sum + selected, 0);
    assert.ok(given(after) >= given(before) + 1000, `${given(before)}, then ${given(after)}`);
  })).timeout(40_000);

  it('killed, and started again with balancing off: what was left is taken away', () => both(async (agents, ground) => {
    await ground.workers();
    const agent = await agents.ready(on);
    await agent.stop('SIGKILL');
    assert.equal(choosers(ground).length, 1);
    await agents.ready(off);
    await eventually(() => (choosers(ground).length === 0 ? '' : 'the chooser is still loaded'));
    const { refused, reset, silent } = await ground.storm({ count: 100 });
    assert.deepEqual([refused, reset, silent], [0, 0, 0]);
  })).timeout(40_000);

  it('uninstalled, no group has a chooser any more, with an agent that would keep it or after one that was killed', () => both(async (agents, ground) => {
    await ground.workers();
    for (const signal of [undefined, 'SIGKILL'] as const) {
      const agent = await agents.ready([...on, '--set', 'lifecycle.onExit=keep']);
      if (signal) await agent.stop(signal);
      assert.equal(choosers(ground).length, 1);
      const { code, stderr } = agents.cli('retire', '--all', '--uninstall');
      assert.equal(code, 0, stderr);
      await eventually(() => (choosers(ground).length === 0 ? '' : 'the chooser is still loaded'));
      await agent.kill();
    }
  })).timeout(60_000);

  it('shows groups as a table, and refuses to rotate what is not balanced', () => both(async (agents, ground) => {
    await ground.workers({ workers: 2 });
    await agents.ready(on);
    await assertBalanced(ground);
    const { stdout } = agents.cli('reuseport');
    assert.match(stdout, /^tcp 0\.0\.0\.0:8080 +netns \d+ +least-queue$/m);
    assert.equal([...stdout.matchAll(/^ {2}python3\/\d+ +\d+ +ready +0 +[\d.k]+ +(4[5-9]|5[0-5])\.\d%/gm)].length, 2, stdout);
    for (const [port, code, words] of [['9', 1, /no group of listeners is balanced on port 9/], ['x', 2, /Give a port/]] as const) {
      const refused = agents.cli('reuseport', 'rotate', port);
      assert.equal(refused.code, code);
      assert.match(refused.stderr, words);
    }
  })).timeout(40_000);
});
