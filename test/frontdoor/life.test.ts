// SPDX-License-Identifier: Apache-2.0
// Listeners come and go while connections are open.
import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { openThreads } from '../../agent/frontdoor/native.js';
import { call, endOf, heard, refusal, withBackend, withDoor } from '../helpers/door.js';
import { doorConfig } from '../helpers/door-config.js';
import { freePort } from '../helpers/free-port.js';
import { eventually } from '../helpers/kernel.js';

describe('a listener that is shut', () => {
  it('takes no more connections, and those that are open go on until they are cut (rp-drain-keeps-listening)', () => withDoor({}, (door) => withBackend(async (backend) => {
    door.to(backend.port);
    const ends = await call(door.port), stays = await call(door.port);
    const first = await backend.next(), second = await backend.next();
    door.doors.shut('web');
    assert.equal(await refusal(door.port), 'ECONNREFUSED');
    ends.write('after the shut');
    const [one, other] = await Promise.race([heard(first).then(() => [first, second]), heard(second).then(() => [second, first])]) as [typeof first, typeof second];
    one.end();
    ends.end();
    assert.equal(await endOf(ends), 'end');
    await eventually(() => (door.active() === 1 ? '' : `${door.active()} are open`));
    door.doors.cut('web');
    assert.deepEqual(await Promise.all([endOf(stays), endOf(other)]), ['ECONNRESET', 'ECONNRESET']);
    await eventually(() => (door.doors.look().listeners.length === 0 ? '' : 'it is still there'));
    assert.deepEqual([door.totals().outcomes.closed, door.totals().outcomes.drained], [1, 1]);
  })));

  it('serves those that had connected and were not accepted yet', () => withDoor({}, (door) => withBackend(async (backend) => {
    door.to(backend.port);
    const clients = await Promise.all(Array.from({ length: 50 }, () => call(door.port)));
    door.doors.shut('web');
    for (let count = 0; count < clients.length; count++) (await backend.next()).end();
    assert.deepEqual(await Promise.all(clients.map(endOf)), clients.map(() => 'end'));
    for (const client of clients) client.end();
  })));

  it('gives its address back at once, also to itself', () => withDoor({}, (door) => withBackend(async (backend) => {
    for (let turn = 0; turn < 5; turn++) {
      door.to(backend.port);
      const client = await call(door.port);
      client.write(String(turn));
      assert.equal(await heard(await backend.next()), String(turn));
      door.doors.shut('web');
      door.doors.open(door.config, []);
      client.resetAndDestroy();
    }
    await eventually(() => (door.totals().outcomes.client_reset === 5 ? '' : JSON.stringify(door.totals().outcomes)));
  })));
});

describe('a listener that cannot be had', () => {
  it('is refused in words, and nothing is left of it', () => withDoor({}, async (door) => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const open = (): void => { door.doors.open({ ...door.config, name: 'taken', port }, []); };
    assert.throws(open, (error: Error & { code?: string }) => error.code === 'frontdoor_address' && /EADDRINUSE/.test((error.cause as Error).message));
    assert.equal(door.doors.look().listeners.length, 1);
    server.close();
    await once(server, 'close');
    open();
    assert.equal(door.doors.look().listeners.length, 2);
  }));
});

describe('the door', () => {
  it('resets what is open when it is closed, twice if asked, and refuses any other call then', () => withBackend(async (backend) => {
    const doors = openThreads(3);
    const config = doorConfig({ port: await freePort() });
    doors.open(config, [{ address: '127.0.0.1', port: backend.port, weight: 1 }]);
    const client = await call(config.port);
    const server = await backend.next();
    const ended = Promise.all([endOf(client), endOf(server)]);
    doors.close();
    doors.close();
    assert.deepEqual(await ended, ['ECONNRESET', 'ECONNRESET']);
    assert.throws(() => doors.look(), /the front door is closed/);
  }));

  it('has new settings for connections that come from then on', () => withDoor({ idleTimeout: 60_000 }, (door) => withBackend(async (backend) => {
    door.to(backend.port);
    const before = await call(door.port);
    await backend.next();
    door.doors.configure({ ...door.config, idleTimeout: 100 });
    const after = await call(door.port);
    assert.equal(await endOf(after), 'ECONNRESET');
    await sleep(50);
    assert.equal(door.active(), 1);
    before.destroy();
  })));
});
