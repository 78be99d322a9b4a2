import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'mocha';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadConfig, type Config } from '../../../config/load.js';
import { renderFrontDoor } from '../../../agent/cli/render/frontdoor.js';
import { FakeDoorHost, FakeDoors } from '../../../agent/frontdoor/fake.js';
import { FrontDoor } from '../../../agent/frontdoor/frontdoor.js';
import { readFrontDoor } from '../../../agent/frontdoor/metrics.js';
import { targetsOf } from '../../../agent/frontdoor/targets.js';
import type { EndpointView } from '../../../agent/mesh/view.js';
import { fakeDoorView as view } from '../../helpers/door-view.js';
import { keptLog, type Line } from '../../helpers/log.js';

const configOf = (doors: object[]): Config => loadConfig({ env: {}, flags: { frontdoors: JSON.stringify(doors) } });
const web = { name: 'web', port: 80, backends: [{ address: '10.0.0.1', port: 8080 }] };
type Endpoint = Pick<EndpointView, 'address' | 'port' | 'weight' | 'state'>;
const endpoint = (over: Partial<Endpoint> = {}): Endpoint => ({ address: '10.0.0.7', port: 8080, weight: 100, state: 'up', ...over });

interface Stage {
  readonly host: FakeDoorHost;
  readonly door: FrontDoor;
  readonly lines: Line[];
  readonly endpoints: Endpoint[];
  settled: boolean;
}

const stages: Stage[] = [];

function stageOf(doors: object[]): Stage {
  const host = new FakeDoorHost(), endpoints: Endpoint[] = [];
  const { log, lines } = keptLog();
  const stage: Stage = { host, lines, endpoints, door: new FrontDoor(configOf(doors), { host, mesh: { endpoints: () => endpoints as EndpointView[] }, settled: () => stage.settled }, log), settled: true };
  stages.push(stage);
  return stage;
}

afterEach(async () => { for (const { door } of stages.splice(0)) await door.stop({ keep: false, patienceMs: 0 }); });

/** A stage whose door is started. */
async function startedWith(doors: object[]): Promise<Stage> {
  const stage = stageOf(doors);
  await stage.door.start();
  return stage;
}

const states = async (door: FrontDoor): Promise<string[]> => (await door.view()).listeners.map(({ name, state, active }) => `${name} ${state} ${active}`);
const busy = (doors: FakeDoors, active: number): void => { doors.rows = doors.rows.map((row) => ({ ...row, active })); };

describe('the front door', () => {
  it('is not there without a listener', async () => {
    const { host, door } = await startedWith([]);
    assert.deepEqual(await door.view(), { process: null, restarts: 0, listeners: [], totals: [] });
    assert.deepEqual(door.problems(), []);
    await door.stop({ keep: false, patienceMs: 1000 });
    assert.deepEqual([host.started, host.doors.calls], [0, []]);
  });

  it('follows the configuration: what is new is opened, what has gone is shut, the rest has its new settings', async () => {
    const { host: { doors }, door } = await startedWith([web]);
    assert.deepEqual(doors.calls.splice(0), ['open web 0.0.0.0:80 10.0.0.1:8080=100']);
    await door.configure(configOf([{ ...web, maxConnections: 7 }, { ...web, name: 'other', port: 81 }]));
    assert.deepEqual(doors.calls.splice(0), ['configure web 7', 'open other 0.0.0.0:81 10.0.0.1:8080=100']);
    await door.configure(configOf([{ ...web, port: 8080 }]));
    assert.deepEqual(doors.calls.splice(0), ['shut web', 'shut other', 'open web 0.0.0.0:8080 10.0.0.1:8080=100']);
  });

  it('follows the endpoints of its service', async () => {
    const { host: { doors }, endpoints } = await startedWith([{ name: 'web', port: 80, service: 'web' }]);
    assert.deepEqual(doors.calls.splice(0), ['open web 0.0.0.0:80']);
    endpoints.push(endpoint());
    await sleep(700);
    assert.deepEqual(doors.calls.splice(0), ['backends web 10.0.0.7:8080=100']);
    await sleep(700);
    assert.deepEqual(doors.calls, [], 'nothing has changed');
  });

  it('says which listener cannot be had, opens the others, and goes on trying', async () => {
    const { host: { doors }, door, lines } = stageOf([web, { ...web, name: 'other', port: 81 }]);
    doors.taken.add(80);
    await door.start();
    assert.match(door.problems()[0]!, /^the front door web is not open: a front door cannot listen on its address \(0\.0\.0\.0:80\)$/);
    assert.deepEqual(await states(door), ['web failed 0', 'other open 0']);
    await sleep(1200);
    assert.equal(lines.filter(({ level }) => level === 'error').length, 1, 'it is said once');
    doors.taken.clear();
    await sleep(700);
    assert.deepEqual([door.problems(), await states(door)], [[], ['web open 0', 'other open 0']]);
  });

  it('has its process go when nothing is configured and the last connection has ended', async () => {
    const { host: { doors }, door } = await startedWith([web]);
    busy(doors, 3);
    await door.configure(configOf([]));
    assert.deepEqual([doors.calls.at(-1), await states(door)], ['shut web', ['web draining 3']]);
    busy(doors, 0);
    await sleep(700);
    assert.deepEqual([doors.calls.at(-1), (await door.view()).process], ['leave 0', null]);
    await door.configure(configOf([web]));
    assert.deepEqual(await states(door), ['web open 0']);
  });

  it('is drained by hand, and opened again', async () => {
    const { host: { doors }, door } = await startedWith([web]);
    busy(doors, 3);
    doors.calls.splice(0);
    await door.drain('web', true);
    assert.deepEqual(await states(door), ['web shut 0', 'web draining 3']);
    assert.match(door.problems()[0]!, /the front door web was drained by hand/);
    await door.configure(configOf([{ ...web, maxConnections: 7 }]));
    await door.drain('web', true);
    assert.deepEqual(doors.calls, ['shut web'], 'a change of the configuration does not open it');
    await door.drain('web', false);
    assert.deepEqual([doors.calls.at(-1), (await states(door))[0], door.problems()], ['open web 0.0.0.0:80 10.0.0.1:8080=100', 'web open 0', []]);
    await door.drain('web', true);
    await door.configure(configOf([]));
    await door.configure(configOf([web]));
    assert.equal((await states(door))[0], 'web open 0', 'what left the configuration begins anew');
    await assert.rejects(door.drain('none', true), /there is no such thing \(a front door of the name none\)/);
  });

  it('at the end of the agent has as long to drain as it says, or goes on', async () => {
    const { host: { doors }, door, lines } = await startedWith([web]);
    busy(doors, 2);
    await door.stop({ keep: false, patienceMs: 60 });
    assert.equal(doors.calls.at(-1), 'leave 60');
    assert.match(lines.at(-1)!.msg, /were reset/);
    const other = await startedWith([web]);
    await other.door.stop({ keep: true, patienceMs: 60 });
    assert.deepEqual(other.host.doors.calls.slice(1), ['release']);
  });
});

describe('a door that an earlier agent left', () => {
  const left = (): FakeDoors => {
    const doors = new FakeDoors();
    for (const [name, port] of [['web', 80], ['moved', 81], ['gone', 82]] as const)
      doors.rows.push({ name, address: '0.0.0.0', port, open: true, active: 1, backends: [{ ...endpoint(), active: 1, total: 1, failures: 0, failuresInRow: 0 }], descriptors: [] });
    return doors;
  };

  it('is taken over: nothing is closed that is still wanted', async () => {
    const stage = stageOf([web, { ...web, name: 'moved', port: 8081 }]);
    const doors = (stage.host.fitting = left());
    await stage.door.start();
    assert.deepEqual(doors.calls, ['shut moved', 'shut gone', 'configure web 10000', 'open moved 0.0.0.0:8081 10.0.0.1:8080=100', 'backends web 10.0.0.1:8080=100']);
    assert.equal(stage.host.started, 0);
  });

  it('keeps the backends that it knows until those of the service are known', async () => {
    const stage = stageOf([{ name: 'web', port: 80, service: 'web' }]);
    const doors = (stage.host.fitting = left());
    stage.settled = false;
    stage.endpoints.push(endpoint());
    await stage.door.start();
    assert.deepEqual(doors.calls.splice(0), ['shut moved', 'shut gone', 'configure web 10000']);
    stage.settled = true;
    const [known] = stage.endpoints.splice(0);
    await sleep(700);
    assert.deepEqual(doors.calls, [], 'no endpoint: those of before are better');
    stage.endpoints.push(known!);
    await sleep(700);
    assert.deepEqual(doors.calls.splice(0), ['backends web 10.0.0.7:8080=100']);
    stage.endpoints.splice(0);
    await sleep(700);
    assert.deepEqual(doors.calls, ['backends web'], 'from then on it is as everywhere');
  });

  it('goes when it is of another version, once there is a new one beside it; at once when none is wanted', async () => {
    for (const doors of [[web], []]) {
      const stage = stageOf(doors);
      const old = left();
      const order: string[] = [];
      stage.host.others.push(Object.assign(old, { leave: () => { order.push(...stage.host.doors.calls, 'leave'); return Promise.resolve(0); } }));
      await stage.door.start();
      assert.deepEqual(order, [...doors.map(() => 'open web 0.0.0.0:80 10.0.0.1:8080=100'), 'leave']);
    }
  });

  it('that ends is started again at once, with all its listeners, and counted', async () => {
    const { host, door, lines } = await startedWith([web, { ...web, name: 'other', port: 81 }]);
    const first = host.doors;
    await sleep(2100);
    first.die();
    await sleep(20);
    assert.deepEqual(host.doors.calls, ['open web 0.0.0.0:80 10.0.0.1:8080=100', 'open other 0.0.0.0:81 10.0.0.1:8080=100']);
    assert.notEqual(host.doors, first);
    assert.equal((await door.view()).restarts, 1);
    assert.match(lines.find(({ level }) => level === 'error')!.msg, /the door process ended or goes; another is started/);
    host.doors.die();
    await sleep(20);
    assert.equal(host.started, 2, 'one that does not live long has to wait');
    await sleep(700);
    assert.equal(host.started, 3);
  });
});

describe('the backends of a listener with a service', () => {
  const [door] = configOf([{ name: 'web', port: 80, service: 'web' }]).frontdoors;
  const of = (...endpoints: Endpoint[]): string[] => targetsOf(door!, () => endpoints).map(({ address }) => address);

  it('are the endpoints that are up, or those that are down when none is; never those that drain or weigh nothing', () => {
    const [up, down, draining, none] = [endpoint({ address: 'u' }), endpoint({ address: 'd', state: 'down' }), endpoint({ address: 'r', state: 'draining' }), endpoint({ address: 'n', weight: 0 })];
    assert.deepEqual(of(up, down, draining, none), ['u']);
    assert.deepEqual(of(down, draining, none), ['d']);
    assert.deepEqual(of(draining, none), []);
  });
});

describe('sidestep frontdoor', () => {
  it('shows listeners, backends and how connections ended', () => {
    const text = renderFrontDoor({ apiVersion: 1, ...view }, 120).join('\n');
    assert.match(text, /^front door web at \[::\]:80 to the service web: open, 3 of 10 connections$/m);
    assert.match(text, /^ {2}7 ended, 2 of them refused; 2\.0KiB in, 1\.0KiB out$/m);
    assert.match(text, /^ {2}denied 2: the client is in deny, or not in allow$/m);
    assert.match(text, /^ {2}31 requests: 2xx 30, 5xx 1$/m);
    assert.match(text, /^ {2}answers began within 0\.1 ms for half of them, 50 ms for 99 in 100$/m);
    assert.match(text, /^ {2}2 connections are not counted further: what came is not HTTP\/1$/m);
    assert.match(text, /10\.0\.0\.7:8080 +100 +3 +12 +2 +does not answer, 2 in a row$/m);
    assert.match(text, /front door db .*\n {2}no backend: connections are reset/);
    assert.match(text, /front door gone at 0\.0\.0\.0:82: failed, taken/);
    assert.match(text, /^ {2}40 calls were given to a backend itself\n {2}2 calls were left to the door, denied: the client is in deny, or not in allow\n {2}1 calls were left to the door, gone: /m);
    assert.match(text, /127\.0\.0\.1:81 +100 +0 +0 +0 +called directly\n {2}10\.0\.0\.9:81 +100 +0 +0 +0 +through the door: nobody listens there/);
    assert.match(text, /^served by pid 42, version 9\.9\.9, started again once$/m);
    assert.match(renderFrontDoor({ apiVersion: 1, ...view, process: null }, 120)[0]!, /there is no door process/);
    assert.match(renderFrontDoor({ apiVersion: 1, ...view, listeners: [] }, 80)[0]!, /no front door is configured/);
  });
});

describe('metrics of the front door', () => {
  it('of calls are there for listeners whose path is direct only', () => {
    const seen: string[] = [];
    readFrontDoor(view, (name, labels, value) => { if (name === 'sidestep_frontdoor_direct_calls_total') seen.push(`${Object.values(labels).join(' ')} ${JSON.stringify(value)}`); });
    assert.deepEqual(seen, ['near given 40', 'near denied 2', 'near full 0', 'near gone 1', 'near unfit 0']);
  });

  it('have a series for each state and outcome', () => {
    const seen: string[] = [];
    readFrontDoor(view, (name, labels, value) => { if (typeof value === 'number' && value > 0) seen.push(`${name} ${Object.values(labels).join(' ')} ${value}`); });
    assert.deepEqual(seen.filter((line) => line.includes(' web ')), [
      'sidestep_frontdoor_listeners web open 1', 'sidestep_frontdoor_active_connections web 3', 'sidestep_frontdoor_backends web failing 1',
      'sidestep_frontdoor_connections_total web closed 5', 'sidestep_frontdoor_connections_total web denied 2',
      'sidestep_frontdoor_bytes_total web in 2048', 'sidestep_frontdoor_bytes_total web out 1024',
      'sidestep_frontdoor_requests_total web 2xx 30', 'sidestep_frontdoor_requests_total web 5xx 1', 'sidestep_frontdoor_unreadable_connections_total web 2',
    ]);
  });
});
