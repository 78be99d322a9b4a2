// SPDX-License-Identifier: Apache-2.0
// The front door and the datapath: both legs of a connection through it are accelerated where they are local; and the agent as a whole.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { refusal } from '../helpers/door.js';
import { isAlive } from '../helpers/door-agents.js';
import { doorConfig } from '../helpers/door-config.js';
import { freePort } from '../helpers/free-port.js';
import { eventually } from '../helpers/kernel-lock.js';
import { withDatapath } from '../helpers/datapath.js';
import { Program } from '../helpers/program.js';
import { onGround } from '../helpers/real-agent.js';
import { built } from '../helpers/run.js';

const doorProcess = fileURLToPath(new URL('../helpers/door-process.js', import.meta.url));

describe('a front door on a host with the datapath', () => {
  it('has its legs to local ends accelerated, and every byte arrives', () => withDatapath({}, async (t) => {
    const server = t.start('serve.py', {});
    const { port } = await server.next() as { port: number };
    const listens = await freePort();
    const config = doorConfig({ port: listens, backends: [{ address: '127.0.0.1', port, weight: 1 }] });
    const door = new Program([process.execPath, doorProcess, JSON.stringify(config)], { cgroup: t.cgroup });
    try {
      await door.next();
      const client = t.start('ask.py', { port: listens, rounds: 300 });
      const { bytes } = await client.next() as { bytes: number };
      assert.deepEqual(t.pairs().map(({ state, reason }) => `${state} ${reason}`), ['active redirected', 'active redirected']);
      // Each byte passes two legs.
      assert.ok(t.redirected() > 2 * bytes * 0.9, `${t.redirected()} of ${2 * bytes}`);
      client.say();
      await client.end();
      await eventually(() => (t.pairs().length === 0 ? '' : 'pairs are left'));
      door.say();
      assert.equal((await door.next() as { outcomes: Record<string, number> }).outcomes['closed'], 1);
      server.say();
      await server.end();
      door.child.stdin!.end();
      await door.end();
    } finally {
      await door.kill();
    }
  }));
});

describe('the agent with a front door', () => {
  it('opens it, shows it, drains it by hand, and drains it at its end', () => onGround(async (ground) => {
    const listens = await freePort();
    const server = ground.program('serve.py', {});
    const { port } = await server.next() as { port: number };
    const doors = [{ name: 'web', address: '127.0.0.1', port: listens, backends: [{ address: '127.0.0.1', port }] }];
    const agent = await ground.ready(['--set', `frontdoors=${JSON.stringify(doors)}`]);
    const client = ground.program('ask.py', { port: listens, rounds: 100 });
    await client.next();
    assert.match(ground.cli('frontdoor').stdout, new RegExp(`front door web at 127.0.0.1:${listens}: open, 1 of 10.0k connections\n.*\n.*BACKEND.*\n +127.0.0.1:${port} +100 +1 +1 +0$`, 'm'));
    const { process: { pid: door } } = JSON.parse(ground.cli('frontdoor', '-o', 'json').stdout) as { process: { pid: number } };
    for (const command of ['frontdoor', 'status']) assert.match(ground.cli(command).stdout, new RegExp(`served by pid ${door}, version`));
    assert.match(ground.cli('explain', String(listens)).stdout, /front door web at/);
    assert.match(ground.cli('frontdoor', 'drain', 'web').stdout, /^web takes no more connections; 1 are still open$/m);
    assert.match(ground.cli('status').stdout, /the front door web was drained by hand/);
    assert.match(ground.cli('frontdoor', 'drain', '--undo', 'web').stdout, /^web takes connections again$/m);
    const none = ground.cli('frontdoor', 'drain', 'none');
    assert.deepEqual([none.code, /a front door of the name none/.test(none.stderr)], [1, true]);
    const ended = agent.stop();
    await agent.says('stopping');
    client.say();
    await client.end();
    assert.equal((await ended).code, 0);
    await eventually(() => (isAlive(door) ? 'the door is still there' : ''), 1000);
    assert.match(agent.stderr, /"msg":"a front door is open"/);
    assert.doesNotMatch(agent.stderr, /were reset/);
    server.say();
    await server.end();
  }));

  it('has its leg to a backend accelerated, and goes on when the agent is killed; without an agent it goes at an uninstall', () => onGround(async (ground) => {
    const listens = await freePort();
    const server = ground.program('serve.py', {});
    const { port } = await server.next() as { port: number };
    const doors = [{ name: 'web', address: '127.0.0.1', port: listens, backends: [{ address: '127.0.0.1', port }] }];
    // Within the cgroup that it serves, as on a host.
    const agent = ground.command([process.execPath, built('../bin/sidestep'), '--config', '/dev/null', '--run-dir', ground.runDir, 'agent', ...ground.flags, '--set', `frontdoors=${JSON.stringify(doors)}`]);
    let pid = 0;
    await eventually(() => {
      const { stdout, stderr } = ground.cli('frontdoor', '-o', 'json');
      pid = stdout === '' ? 0 : (JSON.parse(stdout) as { process: { pid: number } | null }).process?.pid ?? 0;
      return pid === 0 ? `there is no door yet: ${stdout}${stderr}` : '';
    }, 15_000);
    const legs = (): string[] => ground.pairs().filter(({ server: { port: to } }) => to === port).map(({ state, reason, client }) => `${client.pid} ${state} ${reason}`);
    await eventually(async () => {
      const client = ground.program('ask.py', { port: listens, rounds: 100 });
      await client.next();
      const found = legs();
      client.say();
      await client.end();
      return found.includes(`${pid} active redirected`) ? '' : found.join();
    }, 15_000);
    const client = ground.program('ask.py', { port: listens, rounds: 100 });
    await client.next();
    agent.child.kill('SIGKILL');
    await once(agent.child, 'exit');
    client.say();
    await client.end();
    const later = ground.program('ask.py', { port: listens, rounds: 100 });
    await later.next();
    later.say();
    await later.end();
    assert.equal(ground.cli('retire', '--all', '--uninstall').code, 0);
    await eventually(() => (isAlive(pid) ? 'the door is still there' : ''), 1000);
    assert.equal(await refusal(listens), 'ECONNREFUSED');
    server.say();
    await server.end();
  })).timeout(60_000);
});
