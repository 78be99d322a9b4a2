import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'mocha';
import { loadConfig, type Config } from '../../../config/load.js';
import { FakeDoorHost } from '../../../agent/frontdoor/fake.js';
import { FrontDoor } from '../../../agent/frontdoor/frontdoor.js';
import type { EndpointView } from '../../../agent/mesh/view.js';
import { keptLog } from '../../helpers/log.js';

const configOf = (doors: object[]): Config => loadConfig({ env: {}, flags: { frontdoors: JSON.stringify(doors) } });
const backend = (address: string, port: number, weight = 100): object => ({ address, port, weight });
const web = { name: 'web', port: 80, path: 'direct', backends: [backend('127.0.0.1', 81), backend('10.0.0.9', 81, 50)] };

const started: FrontDoor[] = [];
afterEach(async () => { for (const door of started.splice(0)) await door.stop({ keep: false, patienceMs: 0 }); });

async function stageOf(doors: object[], here = ['127.0.0.1:81'], refusal?: Error): Promise<{ host: FakeDoorHost; door: FrontDoor; lines: ReturnType<typeof keptLog>['lines'] }> {
  const host = new FakeDoorHost();
  for (const one of here) host.kernel.here.add(one);
  host.kernel.refusal = refusal;
  const { log, lines } = keptLog();
  const endpoints: EndpointView[] = [];
  const door = new FrontDoor(configOf(doors), { host, mesh: { endpoints: () => endpoints }, settled: () => true }, log);
  started.push(door);
  await door.start();
  return { host, door, lines };
}

describe('a listener whose path is direct', () => {
  it('has the backends called that are on this host; a listener that copies needs no program', async () => {
    const { host: { kernel }, door } = await stageOf([{ ...web, path: 'copy' }]);
    assert.equal(kernel.isOpen, false);
    await door.configure(configOf([web]));
    assert.deepEqual([kernel.isOpen, kernel.doors], [true, ['0.0.0.0:80 127.0.0.1:81=100']]);
    const [row] = (await door.view()).listeners;
    assert.deepEqual(row?.direct?.backends.map(({ because }) => because), ['', 'not here']);
    await door.configure(configOf([{ ...web, path: 'copy' }]));
    assert.deepEqual([kernel.isOpen, (await door.view()).listeners[0]?.direct], [false, null]);
  });

  it('writes what changes, and nothing when nothing does', async () => {
    const { host: { kernel }, door } = await stageOf([web]);
    const { set } = kernel;
    await door.configure(configOf([web]));
    assert.equal(kernel.set, set);
    kernel.here.add('10.0.0.9:81');
    await door.configure(configOf([web]));
    assert.deepEqual([kernel.set, kernel.doors], [set + 1, ['0.0.0.0:80 127.0.0.1:81=100 10.0.0.9:81=50']]);
    await door.configure(configOf([{ ...web, backends: [backend('10.0.0.9', 81, 7), backend('127.0.0.1', 81, 0)] }]));
    assert.deepEqual(kernel.doors, ['0.0.0.0:80 10.0.0.9:81=7']);
  });

  it('leaves sockets of one address alone: those of other listeners, and those of other programs', async () => {
    const { host: { kernel }, door } = await stageOf([web, { ...web, name: 'own', address: '10.0.0.1' }, { ...web, name: 'copies', address: '10.0.0.2', path: 'copy' }]);
    assert.deepEqual(kernel.doors, ['0.0.0.0:80 127.0.0.1:81=100', '10.0.0.1:80 127.0.0.1:81=100', '10.0.0.2:80']);
    kernel.others = [{ address: '10.0.0.3', port: 80 }, { address: '10.0.0.1', port: 80 }];
    await door.configure(configOf([web]));
    assert.deepEqual(kernel.doors, ['0.0.0.0:80 127.0.0.1:81=100', '10.0.0.3:80', '10.0.0.1:80']);
  });

  it('takes no call before the door listens, and none once it is to be shut', async () => {
    const { host: { kernel, doors }, door } = await stageOf([web]);
    let whenShut: string[] | undefined;
    const shut = doors.shut.bind(doors);
    doors.shut = (name) => {
      whenShut = [...kernel.doors];
      return shut(name);
    };
    await door.drain('web', true);
    assert.deepEqual([whenShut, kernel.isOpen], [[], false]);
    await door.drain('web', false);
    assert.deepEqual(kernel.doors, ['0.0.0.0:80 127.0.0.1:81=100']);
    doors.taken.add(82);
    await door.configure(configOf([{ ...web, port: 82 }]));
    assert.deepEqual(kernel.doors, []);
  });

  it('is copied where the kernel has no such program: a problem, said once, and not asked again at once', async () => {
    const { host: { kernel, doors }, door, lines } = await stageOf([web], ['127.0.0.1:81'], new Error('invalid argument'));
    assert.deepEqual(doors.calls, ['open web 0.0.0.0:80 127.0.0.1:81=100 10.0.0.9:81=50']);
    assert.match(door.problems().join(), /no backend of the front door is called directly, the door copies instead: .*invalid argument/);
    kernel.refusal = undefined;
    await door.configure(configOf([web]));
    assert.equal(kernel.isOpen, false);
    assert.equal(lines.filter(({ msg }) => msg.startsWith('backends of the front door cannot be called directly')).length, 1);
    // Whoever takes the setting away and gives it again has changed something.
    await door.configure(configOf([]));
    assert.deepEqual(door.problems(), []);
    await door.configure(configOf([web]));
    assert.equal(kernel.isOpen, true);
  });
});
