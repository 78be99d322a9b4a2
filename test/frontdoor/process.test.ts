// SPDX-License-Identifier: Apache-2.0
// The door is a process of its own: agents come and go, and its connections go on.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync, rmSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { doorPath } from '../../agent/frontdoor/protocol.js';
import { RemoteDoors } from '../../agent/frontdoor/client.js';
import { call, endOf, heard } from '../helpers/door.js';
import { doorConfig } from '../helpers/door-config.js';
import { assertWhole, isAlive, onDoorGround } from '../helpers/door-agents.js';
import { eventually } from '../helpers/kernel.js';
import { Program } from '../helpers/program.js';
import { built } from '../helpers/run.js';

const linkOf = (path: string): string => {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
};

const ended = (pid: number, withinMs = 5000): Promise<void> => eventually(() => (isAlive(pid) ? `the door process ${pid} is still there` : ''), withinMs);

describe('an agent with a front door under load', () => {
  it('that is killed, and another after it, cost nobody a connection, a byte or a call', () => onDoorGround(async (ground) => {
    let agent = await ground.agent();
    const door = await ground.doorPid();
    ground.traffic.say();
    await ground.passes(100, 50);
    for (let times = 0; times < 3; times++) {
      await ground.killed(agent);
      // Without any agent.
      await ground.passes(100, 50);
      agent = await ground.agent();
      await agent.said('the front door of an earlier agent goes on');
      await ground.passes(100, 50);
      assert.equal(await ground.doorPid(), door);
    }
    assertWhole(await ground.seen());
  })).timeout(120_000);

  it('that keeps at its end leaves the door to the next; one that retires drains it, and nothing is left', () => onDoorGround(async (ground) => {
    const keeps = await ground.agent('lifecycle.onExit=keep');
    const door = await ground.doorPid();
    ground.traffic.say();
    await ground.passes(100, 50);
    keeps.child.kill('SIGTERM');
    assert.deepEqual(await once(keeps.child, 'exit'), [0, null]);
    await ground.passes(100, 50);
    const retires = await ground.agent('lifecycle.retireTimeout=700ms');
    assert.equal(await ground.doorPid(), door);
    assertWhole(await ground.passes(100, 50));
    const began = performance.now();
    retires.child.kill('SIGINT');
    const { code, stderr } = await retires.outcome;
    const took = performance.now() - began;
    assert.equal(code, 0);
    // The connections that stay have to be reset.
    assert.match(stderr, /"connections":8,"msg":"connections through the front door were reset/);
    assert.ok(took > 650 && took < 3000, `${took} ms`);
    await ended(door, 500);
    assert.deepEqual(readdirSync(ground.runDir).filter((file) => file.endsWith('.sock')), []);
    await ground.loses(8);
    assert.equal((await ground.seen()).differ, 0);
  })).timeout(60_000);

  it('in a pod drains its door whatever it was told, because it dies with the container', () => onDoorGround(async (ground) => {
    ground.env = { KUBERNETES_SERVICE_HOST: '10.0.0.1' };
    const agent = await ground.agent('lifecycle.onExit=keep');
    const door = await ground.doorPid();
    agent.child.kill('SIGTERM');
    assert.equal((await agent.outcome).code, 0);
    await ended(door, 500);
  }));

  it('whose door is killed has it back within a second, says so and counts it', () => onDoorGround(async (ground) => {
    const agent = await ground.agent();
    const door = await ground.doorPid();
    // One that has just started is not started again at once.
    await sleep(2100);
    process.kill(door, 'SIGKILL');
    const began = performance.now();
    await agent.said('the door process ended');
    await eventually(() => {
      const socket = connect(ground.port, '127.0.0.1');
      return once(socket, 'connect').then(() => { socket.destroy(); return ''; }, String);
    }, 3000);
    const took = performance.now() - began;
    assert.ok(took < 1000, `${took} ms`);
    const view = await ground.client.frontdoor();
    assert.deepEqual([view.restarts, view.listeners[0]!.state, view.process!.pid === door], [1, 'open', false]);
    ground.traffic.say();
    assertWhole(await ground.passes(100, 50));
    assert.equal((await ground.client.status()).frontdoor!.pid, view.process!.pid);
  })).timeout(30_000);

  it('is not disturbed by whoever says nothing, or nonsense, at the socket of the door; only its user may connect', () => onDoorGround(async (ground) => {
    await ground.agent();
    const door = await ground.doorPid();
    ground.traffic.say();
    const path = doorPath(ground.runDir, door);
    assert.equal(statSync(path).mode & 0o777, 0o600);
    const silent = connect(path).on('error', () => undefined);
    for (const words of ['hello\n', '{}\n', '[]\n', 'null\n', '{"id":1,"call":"toString"}\n', '{"id":"x","call":"leave"}\n', '\u0000\u0001\u0002\n', 'x'.repeat(100_000) + '\n']) {
      const socket = connect(path).on('error', () => undefined).resume();
      socket.write(words);
      await once(socket, 'close');
    }
    // One that speaks the language and asks for what cannot be: an answer, and no more.
    const socket = connect(path).setEncoding('utf8');
    const said: string[] = [];
    socket.on('data', (text: string) => { said.push(...text.split('\n').filter((line) => line !== '')); });
    for (const [id, argument] of [undefined, {}, { door: null }, { door: { name: 'x' }, backends: 7 }].entries()) socket.write(`${JSON.stringify({ id, call: 'open', with: argument })}\n`);
    await eventually(() => (said.length === 5 ? '' : said.join('\n')));
    for (const line of said.slice(1)) assert.match(line, /^\{"id":\d,"error":\{"code":"internal",/);
    for (const one of [silent, socket]) one.destroy();
    assert.equal(await ground.doorPid(), door);
    assertWhole(await ground.passes(50, 20));
  })).timeout(30_000);

  it('of another version hands the sockets of the old door to its own, and the old one goes: no call is refused', () => onDoorGround(async (ground) => {
    const old = new Program([process.execPath, built('test/helpers/other-door.js'), ground.runDir, JSON.stringify({ port: ground.port, backend: ground.backend })], {});
    const sockets = (pid: number): string[] => readdirSync(`/proc/${pid}/fd`).map((fd) => linkOf(`/proc/${pid}/fd/${fd}`)).filter((name) => name.startsWith('socket:'));
    try {
      const { pid } = await old.next() as { pid: number };
      const before = sockets(pid);
      ground.traffic.say();
      await ground.passes(100, 50);
      const agent = await ground.agent('frontdoor.threads=1', 'lifecycle.onExit=keep');
      await agent.said('the front door of an earlier agent drains');
      const door = await ground.doorPid();
      assert.notEqual(door, pid);
      // The very sockets, of three threads; not others beside them.
      assert.equal(sockets(door).filter((name) => before.includes(name)).length, 3);
      await ground.passes(100, 100);
      assertWhole(await ground.seen());
      // An agent that leaves waits for neither.
      agent.child.kill('SIGTERM');
      await once(agent.child, 'exit');
      assert.equal(agent.heard().includes('"warn"'), false, agent.heard());
      assert.deepEqual([isAlive(pid), isAlive(door)], [true, true], 'connections that stay have drainTimeout');
      await ended(pid, 15_000);
      await ground.loses(8);
      assert.equal((await ground.passes(0, 100)).refused, 0);
    } finally {
      await old.kill();
    }
  })).timeout(60_000);
});

describe('the door process', () => {
  it('has no capability that it does not need, no way to more, and a session of its own', () => onDoorGround(async (ground) => {
    await ground.agent();
    const door = await ground.doorPid();
    for (const thread of readdirSync(`/proc/${door}/task`)) {
      const status = readFileSync(`/proc/${door}/task/${thread}/status`, 'utf8');
      const of = (name: string): string => new RegExp(`^${name}:\\s+(\\S+)$`, 'm').exec(status)![1]!;
      // CAP_NET_BIND_SERVICE.
      assert.deepEqual([of('CapPrm'), of('CapEff'), of('CapInh'), of('CapAmb'), of('NoNewPrivs')], ['0000000000000400', '0000000000000400', ...Array<string>(2).fill('0'.repeat(16)), '1']);
    }
    const [, session] = /\) \S \d+ \d+ (\d+)/.exec(readFileSync(`/proc/${door}/stat`, 'utf8'))!;
    assert.equal(Number(session), door);
    assert.match(readFileSync(`/proc/${door}/cmdline`, 'utf8'), /agent\/frontdoor\/process\.js/);
  }));

  it('serves all that had connected while it could not, when its listener is shut', () => onDoorGround(async (ground) => {
    await ground.agent('frontdoor.threads=1');
    const door = await ground.doorPid();
    const doors = await RemoteDoors.reach(doorPath(ground.runDir, door));
    process.kill(door, 'SIGSTOP');
    const clients = await Promise.all(Array.from({ length: 400 }, () => call(ground.port)));
    const shut = doors.shut('web');
    process.kill(door, 'SIGCONT');
    await shut;
    const served = await Promise.all(clients.map(async (client) => {
      client.write('hello');
      return Promise.race([heard(client), endOf(client)]);
    }));
    assert.deepEqual(served, clients.map(() => 'hello'));
    for (const client of clients) client.destroy();
    doors.release();
  })).timeout(30_000);

  it('that has no descriptor for one more client can still be talked to', () => onDoorGround(async (ground) => {
    const options = { runDir: ground.runDir, threads: 2, handed: [], log: { level: 'info', format: 'json' } };
    const door = new Program(['prlimit', '--nofile=64', process.execPath, built('agent/frontdoor/process.js'), JSON.stringify(options)], {});
    try {
      let doors: RemoteDoors | undefined;
      await eventually(async () => (doors = await RemoteDoors.reach(doorPath(ground.runDir, door.pid)).catch(() => undefined)) ? '' : 'it is not there');
      await doors!.open(doorConfig({ port: ground.port }), [{ address: '127.0.0.1', port: ground.backend, weight: 1 }]);
      const clients = await Promise.all(Array.from({ length: 100 }, () => call(ground.port).catch(() => undefined)));
      await eventually(async () => ((await doors!.look()).totals[0]!.outcomes.no_descriptors > 20 ? '' : 'there are some left'));
      for (let times = 0; times < 3; times++) {
        const other = await RemoteDoors.reach(doorPath(ground.runDir, door.pid));
        assert.equal((await other.look()).listeners[0]!.open, true);
        other.release();
      }
      for (const client of clients) client?.destroy();
    } finally {
      await door.kill();
    }
  })).timeout(30_000);

  it('whose run directory goes is out of reach, and ends when its connections have', () => onDoorGround(async (ground) => {
    const agent = await ground.agent();
    const door = await ground.doorPid();
    await ground.killed(agent);
    rmSync(ground.runDir, { recursive: true });
    await ended(door);
  }));

  it('that was started by an agent that died before it said anything ends by itself', () => onDoorGround(async (ground) => {
    const doors = await ground.host.start(2, [], []);
    doors.release();
    await ended(doors.identity.pid);
    assert.equal((await ground.host.find(2)).fitting, undefined);
  }));

  it('drains at SIGTERM, and another takes its place at once', () => onDoorGround(async (ground) => {
    const agent = await ground.agent();
    const door = await ground.doorPid();
    ground.traffic.say();
    await ground.passes(50, 20);
    await sleep(2100);
    process.kill(door, 'SIGTERM');
    await agent.said('the door process ended');
    await eventually(async () => ((await ground.client.frontdoor()).listeners[0]!.state === 'open' ? '' : 'there is no other'));
    assert.equal(isAlive(door), true, 'connections that stay have drainTimeout');
    assert.equal((await ground.passes(100, 20)).lost, 0);
    await ended(door, 15_000);
    await ground.loses(8);
  })).timeout(40_000);
});
