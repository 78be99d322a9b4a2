// SPDX-License-Identifier: Apache-2.0
// Who a connection is really from: the PROXY protocol, in and out, versions 1 and 2.
import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { call, endOf, heard, heardUntil, withBackend, withDoor } from '../helpers/door.js';

const signature = Buffer.from('0d0a0d0a000d0a515549540a', 'hex');
const v2 = (command: number, family: number, body: Buffer): Buffer =>
  Buffer.concat([signature, Buffer.from([command, family, body.length >> 8, body.length & 255]), body]);
const four = v2(0x21, 0x11, Buffer.from('c6336407' + 'cb007101' + '9c40' + '0050', 'hex'));
const six = v2(0x21, 0x21, Buffer.from('20010db8000000000000000000000007' + '20010db8000000000000000000000001' + '9c40' + '0050', 'hex'));
const v1 = Buffer.from('PROXY TCP4 198.51.100.7 203.0.113.1 40000 80\r\n');

/** What the backend hears first of a client that says this. */
async function told(door: { port: number }, backend: { next(): Promise<Socket> }, ...parts: Buffer[]): Promise<string> {
  const client = await call(door.port);
  for (const part of parts) {
    client.write(part);
    await sleep(parts.length > 1 ? 20 : 0);
  }
  const server = await backend.next();
  const text = await heardUntil(server, 'hello');
  client.destroy();
  return text;
}

describe('a PROXY header from the client', () => {
  const passesOn = (header: Buffer, expected: string): Promise<void> => withDoor({ acceptProxy: true, sendProxy: 'v1' }, (door) => withBackend(async (backend) => {
    door.to(backend.port);
    assert.equal(await told(door, backend, Buffer.concat([header, Buffer.from('hello')])), `${expected}\r\nhello`);
  }));

  it('of version 1, and what came with it stays behind it', () => passesOn(v1, 'PROXY TCP4 198.51.100.7 203.0.113.1 40000 80'));
  it('of version 1 over IPv6', () => passesOn(Buffer.from('PROXY TCP6 2001:db8::7 2001:db8::1 40000 80\r\n'), 'PROXY TCP6 2001:db8::7 2001:db8::1 40000 80'));
  it('of version 2', () => passesOn(four, 'PROXY TCP4 198.51.100.7 203.0.113.1 40000 80'));
  it('of version 2 over IPv6, with more behind the addresses', () => {
    const more = Buffer.concat([six.subarray(16), Buffer.from('040003616263', 'hex')]);
    return passesOn(v2(0x21, 0x21, more), 'PROXY TCP6 2001:db8::7 2001:db8::1 40000 80');
  });

  it('that comes byte by byte', () => withDoor({ acceptProxy: true, sendProxy: 'v1' }, (door) => withBackend(async (backend) => {
    door.to(backend.port);
    const bytes = [...four].map((byte) => Buffer.from([byte]));
    assert.equal(await told(door, backend, ...bytes, Buffer.from('hello')), 'PROXY TCP4 198.51.100.7 203.0.113.1 40000 80\r\nhello');
  })));

  it('that names nobody leaves the addresses of the connection', () => withDoor({ acceptProxy: true, sendProxy: 'v1' }, (door) => withBackend(async (backend) => {
    door.to(backend.port);
    for (const header of [Buffer.from('PROXY UNKNOWN\r\n'), v2(0x20, 0, Buffer.alloc(0)), v2(0x21, 0, Buffer.alloc(0))])
      assert.match(await told(door, backend, Buffer.concat([header, Buffer.from('hello')])), new RegExp(`^PROXY TCP4 127.0.0.1 127.0.0.1 \\d+ ${door.port}\r\nhello$`));
  })));

  it('that is none is refused, as is one that does not come in time', () => withDoor({ acceptProxy: true, connectTimeout: 200 }, (door) => withBackend(async (backend) => {
    door.to(backend.port);
    const bad = ['GET / HTTP/1.1\r\n\r\n', 'PROXY TCP4 198.51.100.7 203.0.113.1 40000\r\n', 'PROXY TCP4 1.2.3 203.0.113.1 40000 80\r\n',
      'PROXY TCP4 198.51.100.7 203.0.113.1 99999 80\r\n', `PROXY TCP4 ${'1'.repeat(200)}`, v2(0x31, 0x11, four.subarray(16)), v2(0x21, 0x11, Buffer.alloc(4)),
      v2(0x21, 0x11, Buffer.alloc(4000))];
    for (const text of bad) {
      const client = await call(door.port);
      client.write(text);
      assert.equal(await endOf(client), 'ECONNRESET', String(text));
    }
    const silent = await call(door.port);
    silent.write('PROXY TC');
    assert.equal(await endOf(silent), 'ECONNRESET');
    assert.equal(door.totals().outcomes.bad_header, bad.length + 1);
    assert.equal(door.doors.look().listeners[0]!.backends[0]!.total, 0);
  })));
});

describe('a PROXY header for the backend', () => {
  it('names the client, in version 2', () => withDoor({ sendProxy: 'v2' }, (door) => withBackend(async (backend) => {
    door.to(backend.port);
    const client = await call(door.port);
    const { localPort = 0 } = client;
    const server = await backend.next();
    const bytes = Buffer.from(await heard(server), 'latin1');
    const ports = Buffer.alloc(4);
    ports.writeUInt16BE(localPort, 0);
    ports.writeUInt16BE(door.port, 2);
    assert.deepEqual(bytes, v2(0x21, 0x11, Buffer.concat([Buffer.from('7f0000017f000001', 'hex'), ports])));
    client.destroy();
  })));

  it('comes before a server that speaks first is answered, over IPv6', () => withDoor({ address: '::1', sendProxy: 'v2' }, (door) => withBackend(async (backend) => {
    door.to(backend.port);
    const client = await call(door.port, '::1');
    const server = await backend.next();
    const bytes = Buffer.from(await heard(server), 'latin1');
    assert.deepEqual([bytes.length, bytes[13]], [52, 0x21]);
    server.write('220 welcome');
    assert.equal(await heard(client), '220 welcome');
    client.destroy();
  }, '::1')));
});
