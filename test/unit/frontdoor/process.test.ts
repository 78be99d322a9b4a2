import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, it } from 'mocha';
import { buildOf } from '../../../agent/frontdoor/build.js';
import { RemoteDoors } from '../../../agent/frontdoor/client.js';
import { ProcessHost } from '../../../agent/frontdoor/host.js';
import { doorPath, errorOf, failureOf, PROTOCOL } from '../../../agent/frontdoor/protocol.js';
import { DoorServer } from '../../../agent/frontdoor/server.js';
import type { DoorRow, DoorThreads, Target } from '../../../agent/frontdoor/types.js';
import { describeError, SidestepError } from '../../../agent/errors.js';
import type { FrontDoorConfig } from '../../../config/frontdoor-types.js';
import { version } from '../../../agent/version.js';
import { doorConfig } from '../../helpers/door-config.js';
import { folder } from '../../helpers/folder.js';
import { keptLog, type Line } from '../../helpers/log.js';

class FakeThreads implements DoorThreads {
  readonly calls: string[] = [];
  rows: DoorRow[] = [];
  active = 0;

  open({ name, address, port }: FrontDoorConfig, backends: readonly Target[], descriptors: readonly number[] = []): void {
    if (port === 1) throw new SidestepError('frontdoor_address', `${address}:${port}`, new Error('EADDRINUSE'));
    this.rows.push({ name, address, port, open: true, active: 0, backends: [], descriptors });
    this.calls.push(`open ${name} ${backends.length} ${descriptors.join()}`);
  }
  configure({ name }: FrontDoorConfig): void { this.calls.push(`configure ${name}`); }
  setBackends(name: string, backends: readonly Target[]): void { this.calls.push(`backends ${name} ${backends.length}`); }
  shut(name: string): void {
    this.rows = this.rows.map((row) => (row.name === name ? { ...row, open: false } : row));
    this.calls.push(`shut ${name}`);
  }
  cut(name?: string): void {
    this.active = 0;
    this.calls.push(`cut ${name ?? ''}`);
  }
  look(): ReturnType<DoorThreads['look']> {
    this.rows = this.rows.filter(({ open }) => open || this.active > 0);
    return { listeners: this.rows.map((row) => ({ ...row, active: this.active })), totals: [] };
  }
  close(): void { this.calls.push('close'); }
}

interface Stage {
  readonly threads: FakeThreads;
  readonly server: DoorServer;
  readonly doors: RemoteDoors;
  readonly host: ProcessHost;
  readonly lines: Line[];
  readonly path: string;
}

const web = doorConfig({ port: 80 });
const stages: Stage[] = [];

async function stageOf(over: { protocol?: number; build?: string; handed?: ConstructorParameters<typeof DoorServer>[3] } = {}): Promise<Stage> {
  const runDir = folder();
  const { log, lines } = keptLog();
  const path = doorPath(runDir, 42);
  const threads = new FakeThreads();
  const greeting = { door: 'sidestep', protocol: over.protocol ?? PROTOCOL, version, build: over.build ?? buildOf(), threads: 2, pid: 42 } as const;
  const server = new DoorServer(threads, greeting, log, over.handed);
  await server.listen(path);
  const host = new ProcessHost({ runDir, log: { level: 'info', format: 'json' } }, log);
  const stage = { threads, server, doors: await RemoteDoors.reach(path), host, lines, path };
  stages.push(stage);
  return stage;
}

afterEach(async () => { for (const { server } of stages.splice(0)) await server.leave(0); });

describe('what the agent and the door process say to each other', () => {
  it('is one call each, in order, with its result', async () => {
    const { threads, doors } = await stageOf();
    const backend = { address: '10.0.0.1', port: 1, weight: 1 };
    const [, look] = await Promise.all([doors.open(web, [backend]), doors.look(), doors.configure(web), doors.setBackends('web', [backend, backend]), doors.shut('web')]);
    assert.deepEqual(look, { listeners: [{ name: 'web', address: '127.0.0.1', port: 80, open: true, active: 0, backends: [], descriptors: [] }], totals: [] });
    assert.deepEqual(threads.calls, ['open web 1 ', 'configure web', 'backends web 2', 'shut web']);
  });

  it('has errors whose words and remedies are the same on both sides', async () => {
    const { doors } = await stageOf();
    await assert.rejects(doors.open(doorConfig({ port: 1 }), []), (error: SidestepError) => {
      assert.equal(describeError(error).message, 'a front door cannot listen on its address (127.0.0.1:1): EADDRINUSE');
      return error.code === 'frontdoor_address';
    });
    assert.equal(errorOf(failureOf(new TypeError('oops'))).message, 'something went wrong that should not (oops)');
    assert.equal(errorOf({ code: 'of a later version', detail: 'x', cause: '' }).code, 'internal');
  });

  it('ends for the agent when the door goes: what was asked is refused, and so is what is asked then', async () => {
    const { server, doors } = await stageOf();
    await doors.open(web, []);
    await server.retire();
    await doors.gone;
    await assert.rejects(doors.look(), /the process of the front door does not serve \(pid 42 ended\)/);
  });

  it('is not spoken by everybody: who does not greet as a door is left alone', async () => {
    const path = join(folder(), 'door-1.sock');
    for (const [greet, expected] of [[(socket: Socket) => socket.write('hello\n'), /is no door/], [(socket: Socket) => socket.end(), /hangs up/]] as const) {
      const server = createServer(greet).listen(path);
      await once(server, 'listening');
      await assert.rejects(RemoteDoors.reach(path), expected);
      server.close();
      await once(server, 'close');
    }
  });
});

describe('a door process', () => {
  it('cuts what is left of a listener after its drainTimeout, also without an agent', async () => {
    const { threads, doors } = await stageOf();
    await doors.open({ ...web, drainTimeout: 100_000 }, []);
    await doors.configure({ ...web, drainTimeout: 80 });
    threads.active = 3;
    await doors.shut('web');
    doors.release();
    await sleep(40);
    assert.equal(threads.calls.at(-1), 'shut web');
    await sleep(100);
    assert.equal(threads.calls.at(-1), 'cut web');
  });

  it('that is asked to go cannot be found any more, waits for its connections, and says how many it reset', async () => {
    const { threads, doors, host, path } = await stageOf();
    await doors.open(web, []);
    threads.active = 2;
    const left = doors.leave(150);
    await sleep(50);
    assert.deepEqual([existsSync(path), (await host.find(2)).fitting, threads.calls.at(-1)], [false, undefined, 'shut web']);
    assert.equal(await left, 2);
    await doors.gone;
    assert.equal(threads.calls.at(-1), 'close');
    const other = await stageOf();
    await other.doors.open({ ...web, drainTimeout: 5000 }, []);
    other.threads.active = 1;
    setTimeout(() => { other.threads.active = 0; }, 50);
    const began = performance.now();
    assert.equal(await other.doors.leave(), 0);
    assert.ok(performance.now() - began < 2000);
  });

  it('gives a socket that was handed to it to the listener at that place, once', async () => {
    const { threads, doors } = await stageOf({ handed: [7, 8].map((descriptor) => ({ address: '127.0.0.1', port: 80, descriptor })) });
    await doors.open(doorConfig({ name: 'other', port: 81 }), []);
    await doors.open(web, []);
    await doors.shut('web');
    await doors.open(web, []);
    assert.deepEqual(threads.calls, ['open other 0 ', 'open web 0 7,8', 'shut web', 'open web 0 ']);
  });
});

describe('the door processes of a run directory', () => {
  it('fit with the same protocol, version, build and threads; the others are told apart', async () => {
    const { host } = await stageOf();
    assert.deepEqual([(await host.find(2)).fitting?.identity.pid, (await host.find(2)).others.length], [42, 0]);
    assert.deepEqual([(await host.find(3)).fitting, (await host.find(3)).others.length], [undefined, 1]);
    const later = await stageOf({ protocol: PROTOCOL + 1 });
    assert.deepEqual([(await later.host.find(2)).fitting, (await later.host.find(2)).others.length], [undefined, 1]);
    const { host: newer } = await stageOf({ build: 'of another day' });
    assert.deepEqual([(await newer.find(2)).fitting, (await newer.find(2)).others.length], [undefined, 1]);
  });

  it('that have died leave nothing behind, and a socket of somebody else is not touched', async () => {
    const { host, path, lines } = await stageOf();
    const runDir = join(path, '..');
    const dead = doorPath(runDir, 7);
    spawnSync(process.execPath, ['-e', `require('net').createServer().listen(${JSON.stringify(dead)}, () => process.kill(process.pid, 'SIGKILL'))`]);
    assert.equal(existsSync(dead), true);
    const stray = createServer((socket) => socket.end('no\n')).listen(doorPath(runDir, 8));
    await once(stray, 'listening');
    const { fitting, others } = await host.find(2);
    assert.deepEqual([fitting?.identity.pid, others.length], [42, 0]);
    assert.ok(lines.some(({ msg, path: where }) => msg === 'a door process that runs cannot be talked to' && where === doorPath(runDir, 8)));
    assert.deepEqual([existsSync(dead), existsSync(doorPath(runDir, 8))], [false, true]);
    stray.close();
  });
});
