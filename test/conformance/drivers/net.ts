// SPDX-License-Identifier: Apache-2.0
/** Plain sockets of Node.js. Each port has a server with one habit. */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { all, digest, pattern, same, SIZES } from './bytes.js';
import { check, main, short } from './report.js';

const PORTS = { echo: 7000, digest: 7001, source: 7002, lazy: 7003, reset: 7004, silent: 7005, late: 7006 };
type Habit = keyof typeof PORTS;

/** "<bytes> <seed>\n" is what a client of `source` asks for. */
async function source(socket: Socket): Promise<void> {
  const [line] = await once(socket, 'data') as [Buffer];
  const [length = '0', seed] = line.toString().trim().split(' ');
  socket.end(pattern(Number(length), seed));
}

/** Reads nothing for a while, and then now and again. */
async function lazy(socket: Socket): Promise<void> {
  socket.pause();
  await sleep(300);
  socket.end(digest(await withPauses(socket, 8)));
}

async function withPauses(socket: Socket, every: number): Promise<Buffer> {
  let chunks = 0;
  socket.on('data', () => {
    if (++chunks % every !== 0) return;
    socket.pause();
    setTimeout(() => socket.resume(), 1);
  });
  const got = all(socket);
  socket.resume();
  return got;
}

const HABITS: Readonly<Record<Habit, (socket: Socket) => unknown>> = {
  echo: (socket) => socket.pipe(socket),
  digest: async (socket) => socket.end(digest(await all(socket))),
  source,
  lazy,
  reset: (socket) => socket.once('data', () => socket.resetAndDestroy()),
  silent: (socket) => socket.resume(),
  late: async (socket) => {
    const got = await all(socket);
    await sleep(200);
    socket.end(digest(got));
  },
};

function serve(): void {
  for (const habit of Object.keys(PORTS) as Habit[]) {
    createServer({ allowHalfOpen: true }, (socket) => {
      socket.on('error', () => undefined);
      void Promise.resolve(HABITS[habit](socket)).catch(() => undefined);
    }).listen(PORTS[habit], '127.0.0.1', 1000);
  }
}

async function open(habit: Habit): Promise<Socket> {
  const socket = connect({ port: PORTS[habit], host: '127.0.0.1', allowHalfOpen: true });
  await once(socket, 'connect');
  return socket;
}

async function echo(data: Buffer): Promise<string> {
  const socket = await open('echo');
  socket.end(data);
  return same(await all(socket), data);
}

async function rounds(count: number): Promise<string> {
  const socket = await open('echo');
  socket.setNoDelay();
  let got = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => { got = Buffer.concat([got, chunk]); });
  for (let round = 0; round < count; round++) {
    const data = pattern(64, String(round));
    socket.write(data);
    while (got.length < data.length) await once(socket, 'data');
    same(got, data);
    got = Buffer.alloc(0);
  }
  socket.end();
  return `${count} rounds`;
}

/** Writes of all sizes, one after the other, without waiting. */
async function manyWrites(count: number, batch: boolean): Promise<string> {
  const socket = await open('echo');
  const sent = Array.from({ length: count }, (_, index) => pattern(1 + (index * 7919) % 3000, String(index)));
  if (batch) socket.cork();
  for (const data of sent) socket.write(data);
  if (batch) socket.uncork();
  socket.end();
  return same(await all(socket), Buffer.concat(sent));
}

async function backPressure(length: number): Promise<string> {
  const socket = await open('lazy');
  const data = pattern(length);
  let waits = 0;
  for (let at = 0; at < length; at += 50_000) {
    if (!socket.write(data.subarray(at, at + 50_000))) {
      waits++;
      await once(socket, 'drain');
    }
  }
  socket.end();
  const answer = (await all(socket)).toString();
  if (answer !== digest(data)) throw new Error(`${answer} for ${digest(data)}`);
  return `${answer}, ${waits > 0 ? 'waited for room' : 'never waited'}`;
}

async function slowReader(length: number): Promise<string> {
  const socket = await open('source');
  socket.write(`${length} slow\n`);
  return same(await withPauses(socket, 4), pattern(length, 'slow'));
}

async function counts(): Promise<string> {
  const socket = await open('echo');
  socket.end(pattern(123_456));
  await all(socket);
  return `${socket.bytesWritten} written, ${socket.bytesRead} read`;
}

/** The code of the error that a socket ends with. */
const errorOf = (socket: Socket): Promise<string> =>
  new Promise((resolve) => {
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    socket.on('close', () => resolve('closed without an error'));
  });

async function ask(): Promise<void> {
  await check('introduction', () => rounds(3));
  for (const size of SIZES) await check(`echo of ${size}`, () => echo(pattern(size)));
  await check('round trips', () => rounds(short ? 500 : 5000));
  await check('writes of all sizes', () => manyWrites(1000, false));
  await check('one writev of 500 pieces', () => manyWrites(500, true));
  await check('100 connections at once', async () => {
    const said = await Promise.all(Array.from({ length: 100 }, (_, index) => echo(pattern(50_000, String(index)))));
    return `${new Set(said).size} different answers`;
  });
  await check('200 connections in turn', async () => {
    for (let turn = 0; turn < 200; turn++) await echo(pattern(500, String(turn)));
    return '200 whole';
  });
  await check('a reader that lags', () => slowReader(short ? 5_000_000 : 30_000_000));
  await check('a writer that is held back', () => backPressure(short ? 10_000_000 : 50_000_000));
  await check('half-close, then the answer', async () => {
    const socket = await open('digest');
    socket.end(pattern(70_000));
    return (await all(socket)).toString();
  });
  await check('half-close, then a late answer', async () => {
    const socket = await open('late');
    socket.end(pattern(1000));
    return (await all(socket)).toString();
  });
  await check('counts of the socket', counts);
  await check('reset by the other end', async () => {
    const socket = await open('reset');
    socket.write('x');
    return errorOf(socket);
  });
  await check('reset by this end, and the server goes on', async () => {
    const socket = await open('echo');
    socket.write(pattern(100_000));
    await once(socket, 'data');
    socket.resetAndDestroy();
    return echo(pattern(1000));
  });
  await check('a timeout', async () => {
    const socket = await open('silent');
    socket.write('x');
    socket.setTimeout(200);
    await once(socket, 'timeout');
    socket.destroy();
    return 'came';
  });
  await check('nobody listens', () => errorOf(connect({ port: 7999, host: '127.0.0.1' })));
}

await main(serve, ask);
