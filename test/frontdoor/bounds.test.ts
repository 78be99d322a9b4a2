// SPDX-License-Identifier: Apache-2.0
// What the front door keeps within bounds: memory, connections, clients, time.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { call, endOf, heard, refusal, withBackend, withDoor } from '../helpers/door.js';
import { doorConfig } from '../helpers/door-config.js';
import { freePort } from '../helpers/free-port.js';
import { eventually } from '../helpers/kernel.js';
import { Program } from '../helpers/program.js';

const MiB = 2 ** 20;
const net = (address: readonly number[], prefix: number): { address: number[]; prefix: number } =>
  ({ address: [...Array<number>(10).fill(0), 255, 255, ...address], prefix: 96 + prefix });

describe('a reader that does not read', () => {
  it('stops its writer: what is under way is bounded, and nothing of it is lost (dp-unbounded-backlog)', () => withDoor({}, (door) => withBackend(async (backend) => {
    door.to(backend.port);
    const client = await call(door.port);
    const server = await backend.next();
    server.pause();
    const before = process.memoryUsage().rss;
    const block = randomBytes(MiB), written = createHash('sha256');
    let blocks = 0;
    while (client.write(block) || await Promise.race([once(client, 'drain').then(() => true), sleep(700, false)])) {
      written.update(block);
      if (++blocks > 200) assert.fail('200 MiB are under way to a reader that does not read');
    }
    written.update(block); // the last one waits in the client
    const grown = process.memoryUsage().rss - before;
    assert.ok(grown < 64 * MiB, `${grown} bytes of memory for one connection`);
    client.end();
    const read = createHash('sha256');
    server.on('data', (chunk: Buffer) => read.update(chunk)).resume();
    await once(server, 'end');
    assert.equal(read.digest('hex'), written.digest('hex'));
    server.end();
    assert.equal(await endOf(client), 'end');
  })));
});

describe('a client that is not served', () => {
  it('is told at once when there are too many, and the next one has the place of one that went', () => withDoor({ maxConnections: 2 }, (door) => withBackend(async (backend) => {
    door.to(backend.port);
    const first = await call(door.port), server = await backend.next();
    const second = await call(door.port);
    await backend.next();
    assert.equal(await refusal(door.port), 'ECONNRESET');
    assert.equal(door.totals().outcomes.over_limit, 1);
    first.end();
    server.end();
    await eventually(() => (door.active() === 1 ? '' : `${door.active()} are open`));
    const third = await call(door.port);
    third.write('hello');
    assert.equal(await heard(await backend.next()), 'hello');
    second.destroy();
    third.destroy();
  })));

  it('is one of deny, or one that is not in allow', async () => {
    const own = net([127, 0, 0, 0], 8), other = net([10, 0, 0, 0], 8);
    for (const [over, denied] of [[{ deny: [own] }, true], [{ allow: [other] }, true], [{ allow: [own], deny: [net([127, 0, 0, 2], 32)] }, false], [{ allow: [other, own] }, false]] as const)
      await withDoor(over, (door) => withBackend(async (backend) => {
        door.to(backend.port);
        if (denied) {
          assert.equal(await refusal(door.port), 'ECONNRESET');
        } else {
          const client = await call(door.port);
          await backend.next();
          client.destroy();
        }
        assert.equal(door.totals().outcomes.denied, denied ? 1 : 0);
      }));
  });

  it('finds no backend, or none that answers', () => withDoor({}, async (door) => {
    assert.equal(await refusal(door.port), 'ECONNRESET');
    assert.equal(door.totals().outcomes.no_backend, 1);
    door.to(await freePort());
    assert.equal(await refusal(door.port), 'ECONNRESET');
    assert.equal(door.totals().outcomes.connect_failed, 1);
    assert.equal(door.doors.look().listeners[0]!.backends[0]!.failures, 1);
  }));
});

describe('a door without file descriptors', () => {
  it('resets clients, blames no backend, and serves again when there are some', () => withBackend(async (backend) => {
    const config = doorConfig({ port: await freePort(), backends: [{ address: '127.0.0.1', port: backend.port, weight: 1 }] });
    // Node takes about twenty; the door has room for a few connections.
    const door = new Program(['prlimit', '--nofile=48', process.execPath, fileURLToPath(new URL('../helpers/door-process.js', import.meta.url)), JSON.stringify(config)], {});
    try {
      await door.next();
      const outcomes = async (): Promise<Record<string, number>> => {
        door.say();
        return (await door.next() as { outcomes: Record<string, number> }).outcomes;
      };
      // At once, so that its threads want the last descriptors in the same moment.
      for (let round = 1; round <= 5; round++) {
        const clients = await Promise.all(Array.from({ length: 60 }, () => call(config.port).catch(() => undefined)));
        let open = clients.filter((client) => client !== undefined);
        for (const client of open) client.on('error', () => undefined).resume();
        await eventually(async () => {
          open = open.filter(({ closed }) => !closed);
          const refused = (await outcomes())['no_descriptors']!;
          return open.length < 20 && refused >= 40 * round ? '' : `${open.length} are open, ${refused} were refused until round ${round}`;
        });
        for (const client of open) client.resetAndDestroy();
        await sleep(200);
      }
      const said = new Promise((resolve) => { backend.server.on('connection', (socket) => { socket.on('data', resolve); }); });
      const again = await call(config.port);
      again.write('hello');
      assert.equal(String(await said), 'hello');
      assert.equal((await outcomes())['connect_failed'], 0);
      again.destroy();
    } finally {
      await door.kill();
    }
  }));
});

describe('a backend that does not answer', () => {
  it('is passed over: the client gets another and notices nothing', () => withDoor({}, (door) => withBackend(async (backend) => {
    const [dead, gone] = [await freePort(), await freePort()];
    door.to(dead, gone, backend.port);
    for (let turn = 0; turn < 20; turn++) {
      const client = await call(door.port);
      client.write('hello');
      assert.equal(await heard(await backend.next()), 'hello');
      client.destroy();
    }
    const failures = door.doors.look().listeners[0]!.backends.map((one) => one.failures);
    assert.ok(failures[0]! <= 2 && failures[1]! <= 2 && failures[2] === 0, `${failures.join(' ')}: it is left alone after a failure`);
    assert.equal(door.totals().outcomes.connect_failed, 0);
  })));

  it('is given up after connectTimeout', () => withDoor({ connectTimeout: 200 }, async (door) => {
    // Nobody answers there, and nobody says that nobody is there (RFC 5737).
    door.doors.setBackends('web', [{ address: '192.0.2.1', port: 80, weight: 1 }]);
    const began = performance.now();
    assert.equal(await refusal(door.port), 'ECONNRESET');
    assert.ok(performance.now() - began < 2000);
    assert.equal(door.totals().outcomes.connect_failed, 1);
  }));
});

describe('a connection over which nothing moves', () => {
  it('is reset at both ends after idleTimeout, and not before', () => withDoor({ idleTimeout: 300 }, (door) => withBackend(async (backend) => {
    door.to(backend.port);
    const client = await call(door.port);
    const server = await backend.next();
    for (let turn = 0; turn < 4; turn++) {
      await sleep(150);
      server.write('alive');
      assert.equal(await heard(client), 'alive');
    }
    assert.deepEqual(await Promise.all([endOf(client), endOf(server)]), ['ECONNRESET', 'ECONNRESET']);
    assert.equal(door.totals().outcomes.idle, 1);
  })));
});

describe('backends', () => {
  it('get connections by weight and by how many they have', () => withDoor({}, (door) => withBackend((light) => withBackend(async (heavy) => {
    door.doors.setBackends('web', [{ address: '127.0.0.1', port: light.port, weight: 100 }, { address: '127.0.0.1', port: heavy.port, weight: 300 }]);
    const clients = [];
    for (let count = 0; count < 40; count++) {
      clients.push(await call(door.port));
      await eventually(() => (door.doors.look().listeners[0]!.backends.reduce((sum, { total }) => sum + total, 0) === count + 1 ? '' : 'not there yet'));
    }
    const [few, many] = door.doors.look().listeners[0]!.backends.map(({ active }) => active);
    assert.deepEqual([few, many], [10, 30]);
    for (const client of clients) client.destroy();
  }))));

  it('that are taken away keep what they have; those with weight 0 get nothing new', () => withDoor({}, (door) => withBackend((old) => withBackend(async (fresh) => {
    door.to(old.port);
    const client = await call(door.port);
    const server = await old.next();
    door.to(fresh.port);
    client.write('still here');
    assert.equal(await heard(server), 'still here');
    const next = await call(door.port);
    await fresh.next();
    door.doors.setBackends('web', [{ address: '127.0.0.1', port: fresh.port, weight: 0 }]);
    assert.equal(await refusal(door.port), 'ECONNRESET');
    for (const one of [client, next]) one.destroy();
  }))));
});
