// SPDX-License-Identifier: Apache-2.0
// Requests are counted in what passes, and not a byte of it changes: each exchange goes in one piece for each step, and then byte by byte.
import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fakeRequests } from '../../agent/frontdoor/fake.js';
import { WAIT_BOUNDS, type Answer } from '../../agent/frontdoor/types.js';
import type { FrontDoorConfig } from '../../config/frontdoor-types.js';
import { call, withBackend, withDoor, type TestDoor } from '../helpers/door.js';
import { eventually } from '../helpers/kernel.js';

/** Who says what, one after the other; 'end': has nothing more to say. */
type Step = readonly ['client' | 'server', string];

interface Ear { text: string; ended: boolean }

function listen(socket: Socket): Ear {
  const ear: Ear = { text: '', ended: false };
  socket.on('data', (chunk: Buffer) => { ear.text += chunk.toString('latin1'); });
  socket.on('end', () => { ear.ended = true; });
  return ear;
}

async function exchange(door: TestDoor, next: () => Promise<Socket>, steps: readonly Step[], apart: boolean): Promise<void> {
  const client = (await call(door.port)).setNoDelay(), server = (await next()).setNoDelay();
  const ends = { client: { socket: client, ear: listen(server) }, server: { socket: server, ear: listen(client) } };
  const said = { client: '', server: '' };
  for (const [who, what] of steps) {
    const { socket, ear } = ends[who];
    if (what === 'end') {
      socket.end();
      await eventually(() => (ear.ended ? '' : `the end of the ${who} did not come`));
      continue;
    }
    said[who] += what;
    for (const piece of apart ? what : [what]) {
      socket.write(piece, 'latin1');
      if (apart) await sleep(0);
    }
    await eventually(() => (ear.text === said[who] ? '' : `of the ${who} came ${JSON.stringify(ear.text)}, not ${JSON.stringify(said[who])}`));
  }
  client.destroy();
  server.destroy();
  await eventually(() => (door.active() === 0 ? '' : 'the connection is still there'));
}

const counts = (over: Partial<FrontDoorConfig>, steps: readonly Step[], answers: Partial<Record<Answer, number>>, unreadable = 0): (() => Promise<void>) => () =>
  withBackend(async (backend) => {
    for (const apart of [false, true]) {
      await withDoor(over, async (door) => {
        door.to(backend.port);
        await exchange(door, () => backend.next(), steps, apart);
        const { requests } = door.totals();
        assert.deepEqual({ answers: requests.answers, unreadable: requests.unreadable }, { answers: fakeRequests(answers).answers, unreadable });
        const answered = Object.entries(requests.answers).reduce((sum, [name, count]) => sum + (name === 'unanswered' ? 0 : count), 0);
        assert.equal(requests.waits.reduce((sum, count) => sum + count, 0), answered, 'each that was answered was timed');
      });
    }
  });

const get = 'GET /a HTTP/1.1\r\nHost: a\r\n\r\n';
const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const http1 = (steps: readonly Step[], answers: Partial<Record<Answer, number>>, unreadable = 0): (() => Promise<void>) => counts({ requests: 'http1' }, steps, answers, unreadable);

describe('requests of HTTP/1 through a door', () => {
  it('one after the other, with a length, in chunks and with trailers', http1([
    ['client', get], ['server', ok],
    ['client', 'POST /b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n'],
    ['server', 'HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n4;a=b\r\nnone\r\n0\r\nX-T: 1\r\n\r\n'],
    ['client', get], ['server', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 999\r\n\r\n'],
    ['client', get], ['server', 'HTTP/1.1 204 No Content\r\n\r\n'],
  ], { '2xx': 2, '3xx': 1, '4xx': 1 }));

  it('many at once, answered in their order', http1([
    ['client', `${get}HEAD /b HTTP/1.1\r\nHost: a\r\n\r\n${get}`],
    ['server', ok], ['server', 'HTTP/1.1 301 Moved\r\nContent-Length: 500\r\n\r\nHTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy'],
  ], { '2xx': 1, '3xx': 1, '5xx': 1 }));

  it('that are answered by the way first', http1([
    ['client', 'PUT /b HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n'],
    ['server', 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n'], ['client', 'body'], ['server', 'HTTP/1.1 201 Made\r\nContent-Length: 0\r\n\r\n'],
    ['client', get], ['server', ok],
  ], { '2xx': 2 }));

  it('whose answer ends with the connection', http1([
    ['client', 'GET / HTTP/1.0\r\n\r\n'], ['server', 'HTTP/1.0 200 OK\r\n\r\nall that comes'], ['server', 'end'],
  ], { '2xx': 1 }));

  it('that are answered before their end', http1([
    ['client', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nthe first'], ['server', 'HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'], ['server', 'end'],
  ], { '4xx': 1 }));

  it('the rest of such a request, and those after it', http1([
    ['client', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nthe'], ['server', 'HTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\n'],
    ['client', ` rest!${get}`], ['server', ok],
  ], { '2xx': 1, '4xx': 1 }));

  it('that are not answered', http1([['client', `${get}${get}`], ['server', ok], ['server', 'end']], { '2xx': 1, unanswered: 1 }));

  it('that go on as something else', http1([
    ['client', 'GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'],
    ['server', 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x02hi'],
    ['client', '\x81\x82\x01\x02\x03\x04ij'], ['server', '\x00\xff HTTP/1.1'],
  ], { upgraded: 1 }));

  it('that ask to, and are answered as usual, and those after them', http1([
    ['client', 'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n'], ['server', ok],
    ['client', get], ['server', 'HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n'],
  ], { '2xx': 1, '5xx': 1 }));

  it('that open a tunnel', http1([
    ['client', 'CONNECT b:443 HTTP/1.1\r\nHost: b:443\r\n\r\n'], ['server', 'HTTP/1.1 200 Connected\r\n\r\n'], ['client', '\x16\x03\x01'], ['server', '\x16\x03\x03'],
  ], { upgraded: 1 }));

  it('what is something else passes, and is counted as that', http1([['client', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'], ['server', '\x16\x03\x03\x00\x7a'], ['client', get], ['server', ok]], {}, 1));
  it('a server that speaks first does too', http1([['server', 'HTTP/1.1 408 Timeout\r\nContent-Length: 0\r\n\r\n'], ['client', get], ['server', ok]], {}, 1));

  it('how long the backend took is what is timed', () => withBackend((backend) => withDoor({ requests: 'http1' }, async (door) => {
    door.to(backend.port);
    const client = await call(door.port), server = await backend.next();
    const heard = listen(client);
    client.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n');
    await sleep(150); // the client's own time
    client.write('x');
    await sleep(60);
    server.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n');
    await sleep(150); // that of the answer
    server.write('ok');
    await eventually(() => (heard.text.endsWith('ok') ? '' : 'no answer'));
    const { waits, waited } = door.totals().requests;
    assert.ok(waited > 0.04 && waited < 0.14, String(waited));
    assert.deepEqual(waits.map((count, index) => (count > 0 ? (WAIT_BOUNDS[index] ?? Infinity) : 0)).filter((bound) => bound > 0).map((bound) => bound >= 0.05), [true]);
    client.destroy();
  })));
});

describe('messages with a length through a door', () => {
  const of = (length: Partial<FrontDoorConfig>, steps: readonly Step[], answers: Partial<Record<Answer, number>>, unreadable = 0): (() => Promise<void>) =>
    counts({ requests: 'length', ...length }, steps, answers, unreadable);

  it('of four bytes, of what follows them (as Kafka and framed Thrift have it)', of({}, [
    ['client', '\0\0\0\x03abc\0\0\0\0'], ['server', '\0\0\0\x05hello'], ['server', '\0\0\0\x01x'], ['client', '\0\0\x01\0' + 'y'.repeat(256)],
  ], { answered: 2, unanswered: 1 }));
  it('of two bytes (as DNS over TCP has it)', of({ lengthBytes: 2 }, [['client', '\0\x02ab'], ['server', '\x01\0' + 'z'.repeat(256)]], { answered: 1 }));
  it('that counts itself, behind the kind of the message (as PostgreSQL has it)', of({ lengthAt: 1, lengthCounts: 'itself' }, [
    ['client', 'Q\0\0\0\x08abcd'], ['server', 'Z\0\0\0\x05I'], ['client', 'X\0\0\0\x04'],
  ], { answered: 1, unanswered: 1 }));
  it('of the whole message, with its least byte first', of({ lengthAt: 2, lengthBytes: 3, lengthOrder: 'little', lengthCounts: 'whole' }, [
    ['client', 'ab\x07\0\0xy'], ['server', 'ab\x05\0\0'],
  ], { answered: 1 }));
  it('a length that cannot be is no message', of({ lengthCounts: 'whole' }, [['client', '\0\0\0\x03abc'], ['server', 'anything']], {}, 1));
  it('nor is one beyond all bounds', of({ lengthBytes: 8 }, [['client', '\x7f\0\0\0\0\0\0\0abc'], ['server', 'anything']], {}, 1));
});
