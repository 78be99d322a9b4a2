// SPDX-License-Identifier: Apache-2.0
// A listener whose path is direct: calls from another host are those of the backend itself, and whatever cannot be so goes through the door.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import type { FrontDoorView } from '../../agent/frontdoor/view.js';
import { eventually } from '../helpers/kernel.js';
import { withPods, type Pods } from '../helpers/pods.js';
import { startPython, type Program } from '../helpers/program.js';
import { Ground, type RealAgent } from '../helpers/real-agent.js';

const HOST = '10.77.1.1', CALLER = '10.77.1.2';
const program = (name: string): string => `../../frontdoor/programs/${name}.py`;

type Answer = string | { readonly name: string; readonly peer: [string, number]; readonly local: [string, number] };
const who = (answers: readonly Answer[]): string[] => answers.map((one) => (typeof one === 'string' ? one : one.name));

class Scene {
  readonly ground = new Ground();
  readonly #programs: Program[] = [];
  agent: RealAgent | undefined;

  constructor(readonly pods: Pods) { this.ground.netns = pods.router; }

  async backend(name: string, port: number, more: object = {}, netns = this.pods.router): Promise<Program> {
    const backend = startPython(program('backend'), { name, host: '127.0.0.1', port, ...more }, { netns });
    this.#programs.push(backend);
    await backend.next();
    return backend;
  }

  async serve(doors: readonly object[]): Promise<void> {
    this.config(doors);
    this.agent = this.ground.start(['--set', 'web.enabled=false'], `${this.ground.runDir}/config.yaml`);
    await this.agent.says('ready');
  }
  config(doors: readonly object[]): void { this.ground.config(JSON.stringify({ frontdoors: doors })); }

  caller(port: number, host = HOST, netns = this.pods.a): Caller {
    const caller = startPython(program('caller'), { to: [host, port] }, { netns });
    this.#programs.push(caller);
    return new Caller(caller);
  }

  view(): FrontDoorView { return this.ground.api('/v1/frontdoor') as FrontDoorView; }
  /** What is said of each backend of a listener: '' for one that is called directly. */
  said(name = 'web'): string[] { return this.view().listeners.find((one) => one.name === name)?.direct?.backends.map(({ because }) => because) ?? ['no such listener']; }
  direct(name = 'web', ...wanted: readonly (string | RegExp)[]): Promise<void> {
    return eventually(() => {
      const said = this.said(name);
      return said.length === wanted.length && said.every((one, index) => (wanted[index] instanceof RegExp ? wanted[index].test(one) : one === wanted[index])) ? '' : JSON.stringify(said);
    }, 10_000);
  }
  given(name = 'web'): number { return this.view().listeners.find((one) => one.name === name)?.direct?.given ?? NaN; }
  /** Connections that the door itself had. */
  copied(name = 'web'): number {
    const { listeners, totals } = this.view();
    const ended = Object.values(totals.find((one) => one.name === name)?.outcomes ?? {}).reduce((sum, count) => sum + count, 0);
    return ended + (listeners.find((one) => one.name === name)?.active ?? 0);
  }

  async clean(): Promise<void> {
    for (const one of this.#programs) await one.kill();
    await this.ground.clean();
  }
}

class Caller {
  constructor(private readonly program: Program) {}

  async ask(word: string): Promise<any> { // eslint-disable-line @typescript-eslint/no-explicit-any
    this.program.say(word);
    return await this.program.next();
  }
  async calls(count: number): Promise<Answer[]> { return await this.ask(String(count)) as Answer[]; }
}

const onScene = (test: (scene: Scene) => Promise<void>) => () => withPods(async (pods) => {
  const scene = new Scene(pods);
  try {
    await test(scene);
  } finally {
    await scene.clean();
  }
});

const near = (port: number, weight = 100): object => ({ address: '127.0.0.1', port, weight });

describe('the front door, path direct', function () {
  this.timeout(120_000);

  it('gives calls to backends of this host by weight; they see the caller, and the door has nothing to do', onScene(async (scene) => {
    await scene.backend('one', 9001);
    await scene.backend('three', 9002);
    await scene.backend('none', 9003);
    await scene.serve([{ name: 'web', port: 80, path: 'direct', backends: [near(9001, 100), near(9002, 300), near(9003, 0)] }]);
    await scene.direct('web', '', '', 'it has no weight');
    const answers = await scene.caller(80).calls(400);
    for (const answer of answers) {
      assert.ok(typeof answer !== 'string', 'it was not served');
      assert.deepEqual([answer.peer[0], ...answer.local], [CALLER, HOST, 80]);
    }
    const ones = who(answers).filter((name) => name === 'one').length;
    assert.ok(ones > 60 && ones < 140 && !who(answers).includes('none'), `${String(ones)} of 400`);
    assert.deepEqual([scene.given(), scene.copied()], [400, 0]);
    const { stdout } = scene.ground.cli('frontdoor');
    assert.match(stdout, /400 calls were given to a backend itself/);
    assert.match(stdout, /127\.0\.0\.1:9002 +300 +0 +0 +0 +called directly/);
  }));

  it('passes what is elsewhere on through the door, and says why', onScene(async (scene) => {
    await scene.backend('far', 9001, { host: '0.0.0.0' }, scene.pods.b);
    // It listens at that port too, but it is not what the address means.
    await scene.backend('here', 9001, { host: '0.0.0.0' });
    await scene.serve([{ name: 'web', port: 80, path: 'direct', backends: [{ address: scene.pods.b4, port: 9001 }] }, { name: 'own', port: 81, path: 'direct', backends: [{ address: HOST, port: 9001 }] }]);
    await scene.direct('web', /nobody listens there in the network namespace/);
    await scene.direct('own', '');
    assert.deepEqual(who(await scene.caller(80).calls(5)), Array(5).fill('far'));
    assert.deepEqual([scene.given(), scene.copied()], [0, 5]);
    assert.deepEqual(who(await scene.caller(81).calls(5)), Array(5).fill('here'));
    assert.deepEqual([scene.given('own'), scene.copied('own')], [5, 0]);
  }));

  it('is the same over IPv6, and an IPv4 call reaches a backend that listens on both', onScene(async (scene) => {
    await scene.backend('six', 9001, { host: '::1' });
    await scene.backend('both', 9002, { host: '::' });
    await scene.serve([
      { name: 'web', address: '::', port: 80, path: 'direct', backends: [{ address: '::1', port: 9001 }] },
      { name: 'both', port: 81, path: 'direct', backends: [near(9002)] },
      { name: 'unfit', port: 82, path: 'direct', backends: [{ address: '::1', port: 9001 }] },
    ]);
    await scene.direct('web', '');
    await scene.direct('both', '');
    const [six] = await scene.caller(80, 'fd77:1::1').calls(1);
    assert.deepEqual(six, { name: 'six', peer: ['fd77:1::2', typeof six === 'string' ? 0 : six?.peer[1]], local: ['fd77:1::1', 80] });
    assert.deepEqual(who(await scene.caller(81).calls(3)), Array(3).fill('both'));
    assert.deepEqual([scene.given(), scene.given('both')], [1, 3]);
    // To ::1 as such an IPv4 call cannot go; the door can.
    assert.deepEqual(who(await scene.caller(82).calls(3)), Array(3).fill('six'));
    assert.equal(scene.copied('unfit') + scene.given('unfit'), 3);
  }));

  it('serves nobody that the door would not serve, and follows allow and deny while connections are open', onScene(async (scene) => {
    await scene.backend('one', 9001);
    const door = { name: 'web', port: 80, path: 'direct', backends: [near(9001)] };
    await scene.serve([{ ...door, allow: ['10.77.0.0/16'], deny: ['10.77.9.0/24'] }]);
    await scene.direct('web', '');
    const caller = scene.caller(80);
    assert.deepEqual(who(await caller.calls(3)), Array(3).fill('one'));
    await caller.ask('keep');
    scene.config([{ ...door, deny: [`${CALLER}/32`] }]);
    scene.agent!.child.kill('SIGHUP');
    await eventually(async () => (who(await caller.calls(1))[0] === 'ECONNRESET' ? '' : 'it is still served'));
    assert.deepEqual(await caller.ask('ask'), [true], 'what is open goes on');
    assert.ok((scene.view().listeners[0]?.direct?.left.denied ?? 0) >= 1);
    assert.ok((scene.view().totals[0]?.outcomes.denied ?? 0) >= 1);
    scene.config([{ ...door, allow: ['192.0.2.0/24', '10.77.1.0/24'] }]);
    scene.agent!.child.kill('SIGHUP');
    await eventually(async () => (who(await caller.calls(1))[0] === 'one' ? '' : 'it is not served again'));
  }));

  it('leaves no call to a backend that stops listening, hangs, or comes back', onScene(async (scene) => {
    const first = await scene.backend('first', 9001), second = await scene.backend('second', 9002);
    await scene.serve([{ name: 'web', port: 80, path: 'direct', backends: [near(9001), near(9002)] }]);
    await scene.direct('web', '', '');
    const caller = scene.caller(80);
    await caller.ask('flood');
    first.say('shut');
    await first.next();
    await scene.direct('web', /nobody listens/, '');
    first.say('open');
    await first.next();
    await scene.direct('web', '', '');
    second.say('shut');
    await second.next();
    assert.ok(who(await scene.caller(80).calls(20)).every((name) => name === 'first'));
    second.say('open');
    await second.next();
    await scene.direct('web', '', '');
    const { calls, bad } = await caller.ask('calm') as { calls: number; bad: string[] };
    // What waits at a socket that closes is reset by the kernel, as it is without any front door.
    assert.ok(calls > 100 && bad.every((one) => one === 'ECONNRESET') && bad.length <= 2, JSON.stringify({ calls, bad }));

    const hangs = await scene.backend('hangs', 9003, { backlog: 0, stalls: true });
    scene.config([{ name: 'web', port: 80, path: 'direct', backends: [near(9001), near(9003)] }]);
    scene.agent!.child.kill('SIGHUP');
    await scene.direct('web', '', '');
    // One waits there, which is all the room that it has.
    const answers = await scene.caller(80).calls(12);
    assert.ok(who(answers).filter((name) => name !== 'first').length <= 1, JSON.stringify(who(answers)));
    await hangs.kill();
  }));

  it('goes on when the agent is killed: connections are the backend\'s, calls go through the door, and directly again with the next agent', onScene(async (scene) => {
    await scene.backend('one', 9001);
    const door = { name: 'web', port: 80, path: 'direct', backends: [near(9001)] };
    await scene.serve([door]);
    await scene.direct('web', '');
    const caller = scene.caller(80), busy = scene.caller(80);
    await caller.ask('keep');
    await busy.ask('flood');
    // Its pipes stay open: the door process has them too.
    const dead = once(scene.agent!.child, 'exit');
    scene.agent!.child.kill('SIGKILL');
    await dead;
    const through = await caller.calls(5);
    assert.deepEqual(who(through), Array(5).fill('one'));
    for (const answer of through) assert.deepEqual(typeof answer === 'string' ? answer : answer.peer[0], '127.0.0.1');
    await scene.serve([door]);
    await scene.direct('web', '');
    const [again] = await caller.calls(1);
    assert.deepEqual(typeof again === 'string' ? again : again?.peer[0], CALLER);
    assert.deepEqual(await caller.ask('ask'), [true]);
    const { calls, bad } = await busy.ask('calm') as { calls: number; bad: string[] };
    assert.ok(calls > 100, String(calls));
    assert.deepEqual(bad, []);
  }));

  it('goes on when the door process is killed, and is not without it for a moment', onScene(async (scene) => {
    await scene.backend('one', 9001);
    await scene.serve([{ name: 'web', port: 80, path: 'direct', backends: [near(9001)] }]);
    await scene.direct('web', '');
    const caller = scene.caller(80), busy = scene.caller(80);
    await caller.ask('keep');
    await busy.ask('flood');
    const { pid } = scene.view().process!;
    process.kill(pid, 'SIGKILL');
    await eventually(() => (scene.view().process?.pid === pid ? 'it is still there' : scene.view().restarts === 1 && scene.view().listeners[0]?.state === 'open' ? '' : 'there is no other one'));
    await scene.direct('web', '');
    assert.deepEqual(await caller.ask('ask'), [true]);
    const { calls, bad } = await busy.ask('calm') as { calls: number; bad: string[] };
    assert.ok(calls > 100, String(calls));
    assert.deepEqual([bad, scene.copied()], [[], 0]);
  }));

  it('takes nothing that is for a socket of one address only, and nothing once it is drained', onScene(async (scene) => {
    await scene.backend('one', 9001);
    await scene.serve([{ name: 'web', port: 80, path: 'direct', backends: [near(9001)] }, { name: 'other', address: '127.0.0.1', port: 80, backends: [near(9001)] }]);
    await scene.direct('web', '');
    const local = scene.caller(80, '127.0.0.1', scene.pods.router);
    const [through] = await local.calls(1);
    assert.equal(typeof through === 'string' ? through : through?.local[1], 9001);
    assert.deepEqual([scene.given(), scene.copied('other')], [0, 1]);
    const caller = scene.caller(80);
    await caller.ask('keep');
    assert.equal(scene.ground.cli('frontdoor', 'drain', 'web').code, 0);
    assert.deepEqual(await caller.calls(1), ['ECONNREFUSED']);
    assert.deepEqual(await caller.ask('ask'), [true]);
    assert.equal(scene.ground.cli('frontdoor', 'drain', '--undo', 'web').code, 0);
    await scene.direct('web', '');
    assert.deepEqual(who(await caller.calls(2)), ['one', 'one']);
    assert.equal(scene.given(), 2);
  }));

  it('accelerates calls of programs of this host, and leaves no program behind', onScene(async (scene) => {
    const backend = scene.ground.program(program('backend'), { name: 'one', host: '127.0.0.1', port: 9001 });
    await backend.next();
    await scene.serve([{ name: 'web', port: 80, path: 'direct', backends: [near(9001)] }]);
    await scene.direct('web', '');
    const caller = new Caller(scene.ground.program(program('caller'), { to: [HOST, 80] }));
    assert.deepEqual(who(await caller.calls(20)), Array(20).fill('one'));
    assert.equal(scene.given(), 20);
    const programs = (): string => spawnSync('bpftool', ['prog', 'show', 'name', 'sidestep_direct'], { encoding: 'utf8' }).stdout;
    assert.match(programs(), /sk_lookup/);
    scene.config([{ name: 'web', port: 80, backends: [near(9001)] }]);
    scene.agent!.child.kill('SIGHUP');
    await eventually(() => (programs() === '' ? '' : programs()));
    assert.deepEqual(who(await caller.calls(2)), ['one', 'one']);
  }));
});
