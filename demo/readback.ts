/**
 * A program of its own, so that it can run in the served group or outside: writes random keys and reads them back.
 *   readback.js PORT SEED KEYS write|read
 * Prints one JSON object. Node.js sockets are non-blocking.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { encode, ReplyReader, type Reply } from './resp.js';
import { digestOf, entryOf } from './values.js';

export interface ReadBack {
  readonly keys: number;
  readonly bytes: number;
  /** Keys whose SHA-256 was another one. */
  readonly wrong: number;
}

/** Requests on their way at once: enough to fill queues on both sides. */
const window = 32;

/** Sends the requests in order and hands each its reply; the connection is closed after the last. */
async function exchange(
  socket: Socket, count: number, request: (index: number) => Buffer, onReply: (index: number, reply: Reply) => void,
): Promise<void> {
  const reader = new ReplyReader();
  let sent = 0;
  let answered = 0;
  const fill = (): void => { while (sent < count && sent - answered < window) socket.write(request(sent++)); };
  fill();
  for await (const chunk of socket) {
    for (const reply of reader.push(chunk as Buffer)) onReply(answered++, reply);
    if (answered === count) return;
    fill();
  }
  throw new Error('the server closed the connection');
}

/**
 * A program that nobody has seen read yet is watched on TCP first (reason `learning`). One short connection is enough
 * for the next one to be enrolled at once.
 */
async function introduce(port: number): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  await exchange(socket, 1, () => encode('PING'), () => undefined);
}

async function readBack(port: number, seed: string, keys: number, write: boolean): Promise<ReadBack> {
  await introduce(port);
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  const writes = write ? keys : 0;
  let bytes = 0;
  let wrong = 0;
  await exchange(socket, writes + keys, (index) => {
    const { key, value } = entryOf(seed, index % keys);
    return index < writes ? encode('SET', key, value) : encode('GET', key);
  }, (index, reply) => {
    if (index < writes) return;
    const { value } = entryOf(seed, index % keys);
    bytes += value.length;
    if (!Buffer.isBuffer(reply) || digestOf(reply) !== digestOf(value)) wrong++;
  });
  return { keys, bytes, wrong };
}

const [port = '', seed = '', keys = '', what] = process.argv.slice(2);
console.log(JSON.stringify(await readBack(Number(port), seed, Number(keys), what === 'write')));
