// SPDX-License-Identifier: Apache-2.0
/** WebSocket: the package ws on both sides. */
import { once } from 'node:events';
import { WebSocket, WebSocketServer, type RawData } from 'ws';
import { digest, pattern, same } from './bytes.js';
import { check, main, short } from './report.js';

const PORTS = { plain: 7200, deflate: 7201 };
const SIZES = [0, 1, 125, 126, 65_535, 65_536, 300_000, 1_000_000];

/** Text decides: "close <code>", "all <text>" to everybody, "terminate", or an echo. Binary is echoed. */
function serve(): void {
  for (const [kind, port] of Object.entries(PORTS)) {
    const server = new WebSocketServer({ port, host: '127.0.0.1', perMessageDeflate: kind === 'deflate' ? { threshold: 0 } : false });
    server.on('connection', (socket) => {
      socket.on('error', () => undefined);
      socket.on('message', (data, binary) => {
        const [word, rest = ''] = binary ? [] : String(data).split(' ', 2);
        if (word === 'close') socket.close(Number(rest), 'as asked');
        else if (word === 'terminate') socket.terminate();
        else if (word === 'all') for (const other of server.clients) other.send(rest);
        else socket.send(data, { binary });
      });
    });
  }
}

async function open(kind: keyof typeof PORTS = 'plain'): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${PORTS[kind]}`);
  await once(socket, 'open');
  return socket;
}

async function next(socket: WebSocket): Promise<Buffer> {
  const [data] = await once(socket, 'message') as [RawData];
  return data as Buffer;
}

async function echo(socket: WebSocket, data: Buffer): Promise<string> {
  socket.send(data);
  return same(await next(socket), data);
}

/** Sends them all, then compares what comes back in order. */
async function burst(socket: WebSocket, count: number): Promise<string> {
  const sent = Array.from({ length: count }, (_, index) => pattern((index * 31) % 2000, String(index)));
  const got: Buffer[] = [];
  const done = new Promise<void>((resolve) => {
    socket.on('message', (data: Buffer) => { if (got.push(data) === count) resolve(); });
  });
  for (const data of sent) socket.send(data);
  await done;
  socket.removeAllListeners('message');
  return same(Buffer.concat(got), Buffer.concat(sent));
}

async function ended(socket: WebSocket, word: string): Promise<string> {
  socket.send(word);
  const [code, reason] = await once(socket, 'close') as [number, Buffer];
  return `${code} ${reason.toString()}`;
}

async function broadcast(count: number): Promise<string> {
  const sockets = await Promise.all(Array.from({ length: count }, () => open()));
  const heard = sockets.map(next);
  sockets[0]!.send('all hello');
  const words = (await Promise.all(heard)).map(String);
  for (const socket of sockets) socket.close();
  return `${words.filter((word) => word === 'hello').length} heard it`;
}

async function ask(): Promise<void> {
  for (const kind of ['plain', 'deflate'] as const) {
    const socket = await open(kind);
    for (const size of SIZES) await check(`${kind}: echo of ${size}`, () => echo(socket, pattern(size)));
    await check(`${kind}: a burst of messages`, () => burst(socket, short ? 500 : 5000));
    socket.close();
  }
  await check('a message in fragments', async () => {
    const socket = await open();
    const data = pattern(100_000);
    for (let at = 0; at < data.length; at += 10_000) socket.send(data.subarray(at, at + 10_000), { fin: at + 10_000 >= data.length });
    return same(await next(socket), data);
  });
  await check('ping and pong', async () => {
    const socket = await open();
    socket.ping(pattern(100));
    const [data] = await once(socket, 'pong') as [Buffer];
    return digest(data);
  });
  await check('one to 100', () => broadcast(100));
  await check('closed with a code', async () => ended(await open(), 'close 4001'));
  await check('torn off', async () => ended(await open(), 'terminate'));
  await check('100 connections in turn', async () => {
    for (let turn = 0; turn < 100; turn++) {
      const socket = await open();
      await echo(socket, pattern(turn));
      socket.close();
      await once(socket, 'close');
    }
    return '100 whole';
  });
}

await main(serve, ask);
