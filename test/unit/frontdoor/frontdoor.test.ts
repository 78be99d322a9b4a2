import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'mocha';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadConfig, type Config } from '../../../config/load.js';
import { renderFrontDoor } from '../../../agent/cli/render/frontdoor.js';
import { FakeDoorHost } from '../../../agent/frontdoor/fake.js';
import { FrontDoor } from '../../../agent/frontdoor/frontdoor.js';
import { readFrontDoor } from '../../../agent/frontdoor/metrics.js';
import { targetsOf } from '../../../agent/frontdoor/targets.js';
import { noView } from '../../../agent/frontdoor/view.js';
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
}

const stages: Stage[] = [];

function stageOf(doors: object[]): Stage {
  const host = new FakeDoorHost(), endpoints: Endpoint[] = [];
  const { log, lines } = keptLog();
  const stage = { host, lines, endpoints, door: new FrontDoor(configOf(doors), host, { endpoints: () => endpoints as EndpointView[] }, log) };
  stages.push(stage);
  return stage;
}

afterEach(async () => { for (const { door } of stages.splice(0)) await door.stop(0); });

describe('the front door', () => {
  it('is not there without a listener', async () => {
    const { host, door } = stageOf([]);
    door.start();
    assert.equal(host.opened, 0);
    assert.deepEqual([door.view(), door.problems()], [noView, []]);
    await door.stop(1000);
    assert.deepEqual(host.doors.calls, []);
  });

  it('follows the configuration: what is new is opened, what has gone is shut, the rest has its new settings', () => {
    const { host: { doors }, door } = stageOf([web]);
    door.start();
    assert.deepEqual(doors.calls.splice(0), ['open web 0.0.0.0:80', 'backends web 10.0.0.1:8080=100']);
    door.configure(configOf([{ ...web, maxConnections: 7 }, { ...web, name: 'other', port: 81 }]));
    assert.deepEqual(doors.calls.splice(0), ['configure web 7', 'open other 0.0.0.0:81', 'backends other 10.0.0.1:8080=100']);
    door.configure(configOf([{ ...web, port: 8080 }]));
    assert.deepEqual(doors.calls.splice(0), ['shut web', 'shut other', 'open web 0.0.0.0:8080', 'backends web 10.0.0.1:8080=100']);
  });

  it('follows the endpoints of its service', async () => {
    const { host: { doors }, door, endpoints } = stageOf([{ name: 'web', port: 80, service: 'web' }]);
    door.start();
    assert.deepEqual(doors.calls.splice(0), ['open web 0.0.0.0:80', 'backends web ']);
    endpoints.push(endpoint());
    await sleep(700);
    assert.deepEqual(doors.calls.splice(0), ['backends web 10.0.0.7:8080=100']);
    await sleep(700);
    assert.deepEqual(doors.calls, [], 'nothing has changed');
  });

  it('says which listener cannot be had, opens the others, and goes on trying', async () => {
    const { host: { doors }, door, lines } = stageOf([web, { ...web, name: 'other', port: 81 }]);
    doors.taken.add(80);
    door.start();
    assert.match(door.problems()[0]!, /^the front door web is not open: a front door cannot listen on its address \(0\.0\.0\.0:80\)$/);
    assert.deepEqual(door.view().listeners.map(({ name, state }) => `${name} ${state}`), ['web failed', 'other open']);
    await sleep(1200);
    assert.equal(lines.filter(({ level }) => level === 'error').length, 1, 'it is said once');
    doors.taken.clear();
    await sleep(700);
    assert.deepEqual([door.problems(), door.view().listeners[0]!.state], [[], 'open']);
  });

  it('cuts what is left of a listener after drainTimeout', async () => {
    const { host: { doors }, door } = stageOf([{ ...web, drainTimeout: '50ms' }]);
    door.start();
    doors.rows = doors.rows.map((row) => ({ ...row, active: 3 }));
    door.configure(configOf([]));
    assert.deepEqual(door.view().listeners.map(({ state, active }) => [state, active]), [['draining', 3]]);
    await sleep(150);
    assert.equal(doors.calls.at(-1), 'cut web');
    assert.deepEqual(door.view().listeners, []);
  });

  it('is drained by hand, and opened again', () => {
    const { host: { doors }, door } = stageOf([web]);
    door.start();
    doors.rows = doors.rows.map((row) => ({ ...row, active: 3 }));
    doors.calls.splice(0);
    door.drain('web', true);
    assert.deepEqual(door.view().listeners.map(({ state, active }) => [state, active]), [['shut', 0], ['draining', 3]]);
    assert.match(door.problems()[0]!, /the front door web was drained by hand/);
    door.configure(configOf([{ ...web, maxConnections: 7 }]));
    door.drain('web', true);
    assert.deepEqual(doors.calls, ['shut web'], 'a change of the configuration does not open it');
    door.drain('web', false);
    assert.deepEqual([doors.calls.at(-2), door.view().listeners[0]!.state, door.problems()], ['open web 0.0.0.0:80', 'open', []]);
    door.drain('web', true);
    door.configure(configOf([]));
    door.configure(configOf([web]));
    assert.equal(door.view().listeners[0]!.state, 'open', 'what left the configuration begins anew');
    assert.throws(() => { door.drain('none', true); }, /there is no such thing \(a front door of the name none\)/);
  });

  it('waits at the end for connections to end, but not for ever', async () => {
    const { host: { doors }, door, lines } = stageOf([web]);
    door.start();
    doors.rows = doors.rows.map((row) => ({ ...row, active: 2 }));
    const began = performance.now();
    const stopped = door.stop(5000);
    setTimeout(() => { doors.rows = doors.rows.map((row) => ({ ...row, active: 0 })); }, 100);
    await stopped;
    assert.ok(performance.now() - began < 3000);
    assert.deepEqual(doors.calls.slice(-2), ['shut web', 'close']);
    assert.ok(!lines.some(({ level }) => level === 'warn'));
    const other = stageOf([web]);
    other.door.start();
    other.host.doors.rows = other.host.doors.rows.map((row) => ({ ...row, active: 2 }));
    await other.door.stop(60);
    assert.match(other.lines.at(-1)!.msg, /were reset/);
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
    assert.match(text, /10\.0\.0\.7:8080 +100 +3 +12 +2 +does not answer, 2 in a row$/m);
    assert.match(text, /front door db .*\n {2}no backend: connections are reset/);
    assert.match(text, /front door gone at 0\.0\.0\.0:82: failed, taken/);
    assert.match(renderFrontDoor({ apiVersion: 1, ...noView }, 80)[0]!, /no front door is configured/);
  });
});

describe('metrics of the front door', () => {
  it('have a series for each state and outcome', () => {
    const seen: string[] = [];
    readFrontDoor(view, (name, labels, value) => { if (typeof value === 'number' && value > 0) seen.push(`${name} ${Object.values(labels).join(' ')} ${value}`); });
    assert.deepEqual(seen.filter((line) => line.includes(' web ')), [
      'sidestep_frontdoor_listeners web open 1', 'sidestep_frontdoor_active_connections web 3', 'sidestep_frontdoor_backends web failing 1',
      'sidestep_frontdoor_connections_total web closed 5', 'sidestep_frontdoor_connections_total web denied 2',
      'sidestep_frontdoor_bytes_total web in 2048', 'sidestep_frontdoor_bytes_total web out 1024',
    ]);
  });
});
