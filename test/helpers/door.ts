// SPDX-License-Identifier: Apache-2.0
/** A front door on loopback, served by threads of this process, and sockets to try it with. */
import { once } from 'node:events';
import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net';
import { openThreads } from '../../agent/frontdoor/native.js';
import type { DoorThreads, DoorTotals } from '../../agent/frontdoor/types.js';
import type { FrontDoorConfig } from '../../config/frontdoor-types.js';
import { doorConfig } from './door-config.js';
import { freePort } from './free-port.js';

export interface TestDoor {
  readonly doors: DoorThreads;
  readonly config: FrontDoorConfig;
  readonly port: number;
  to(...ports: number[]): void;
  totals(): DoorTotals;
  active(): number;
}

export async function withDoor(over: Partial<FrontDoorConfig>, test: (door: TestDoor) => Promise<void>, threads = 2): Promise<void> {
  const doors = openThreads(threads);
  const address = over.address ?? '127.0.0.1';
  const config = doorConfig({ port: await freePort(address), ...over });
  try {
    doors.open(config, []);
    await test({
      doors, config, port: config.port,
      to: (...ports) => { doors.setBackends(config.name, ports.map((port) => ({ address, port, weight: 100 }))); },
      totals: () => doors.look().totals.find(({ name }) => name === config.name)!,
      active: () => doors.look().listeners.reduce((sum, { active }) => sum + active, 0),
    });
  } finally {
    doors.close();
  }
}

export interface TestBackend {
  readonly port: number;
  readonly server: Server;
  /** The next connection that comes. */
  next(): Promise<Socket>;
}

/** A server that answers nothing by itself. `allowHalfOpen`: it ends its direction when it says so. */
export async function withBackend(test: (backend: TestBackend) => Promise<void>, host = '127.0.0.1'): Promise<void> {
  const server = createServer({ allowHalfOpen: true }).listen(0, host);
  await once(server, 'listening');
  const sockets: Socket[] = [], waiting: Socket[] = [];
  server.on('connection', (socket) => {
    watch(socket);
    sockets.push(socket);
    waiting.push(socket);
    server.emit('waiting');
  });
  try {
    const next = async (): Promise<Socket> => {
      while (waiting.length === 0) await once(server, 'waiting');
      return waiting.shift()!;
    };
    await test({ port: (server.address() as AddressInfo).port, server, next });
  } finally {
    for (const socket of sockets) socket.destroy();
    server.close();
  }
}

/** How sockets ended: it may happen before anybody asks. */
const ends = new WeakMap<Socket, Promise<string>>();

function watch(socket: Socket): void {
  ends.set(socket, new Promise((resolve) => {
    socket.once('end', () => { resolve('end'); });
    socket.on('error', (error: NodeJS.ErrnoException) => { resolve(error.code ?? error.message); });
  }));
}

export async function call(port: number, host = '127.0.0.1'): Promise<Socket> {
  const socket = connect({ port, host, allowHalfOpen: true });
  await once(socket, 'connect');
  watch(socket);
  return socket;
}

/** 'end', or the code of the error that it ended with. */
export async function endOf(socket: Socket): Promise<string> {
  socket.resume();
  return await ends.get(socket) ?? 'nobody watches it';
}

/** Of a call that is not served: the reset may come before the connection is noticed. */
export async function refusal(port: number): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1' });
  const [error] = await once(socket, 'error') as [NodeJS.ErrnoException];
  return error.code ?? '';
}

/** Everything until this, as text. */
export function heardUntil(socket: Socket, ending: string): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      if (text.endsWith(ending)) resolve(text);
    });
  });
}

/** The next bytes, as text. */
export async function heard(socket: Socket): Promise<string> {
  const [chunk] = await once(socket, 'data') as [Buffer];
  return chunk.toString('latin1');
}
