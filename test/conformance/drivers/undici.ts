// SPDX-License-Identifier: Apache-2.0
/** HTTP/1.1: undici against the server of Node.js. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, fetch, Pool, request, type Dispatcher } from 'undici';
import { all, digest, pattern, same, SIZES } from './bytes.js';
import { check, main, short } from './report.js';

const PORT = 7100;
const ORIGIN = `http://127.0.0.1:${PORT}`;

async function chunked(response: ServerResponse, length: number): Promise<void> {
  const data = pattern(length);
  for (let at = 0; at < length; at += 777) {
    response.write(data.subarray(at, at + 777));
    if (at % 100 === 0) await sleep(1);
  }
  response.addTrailers({ 'x-digest': digest(data) });
  response.end();
}

async function answer(asked: IncomingMessage, response: ServerResponse): Promise<void> {
  const [, what = '', value = '0'] = (asked.url ?? '').split('/');
  switch (what) {
    case 'bytes': response.end(pattern(Number(value))); return;
    case 'digest': response.end(digest(await all(asked))); return;
    case 'chunked': response.writeHead(200, { trailer: 'x-digest' }); return chunked(response, Number(value));
    case 'status': response.writeHead(Number(value)).end(); return;
    case 'headers': response.writeHead(200, { 'x-long': 'v'.repeat(Number(value)) }).end(String(asked.headers['x-long']?.length)); return;
    case 'torn': response.writeHead(200, { 'content-length': '100000' }).write(pattern(1000)); await sleep(50); asked.socket.destroy(); return;
    case 'slow': await sleep(Number(value)); response.end('late'); return;
    default: response.end();
  }
}

function serve(): void {
  createServer({ maxHeaderSize: 65_536 }, (asked, response) => {
    void answer(asked, response).catch(() => asked.socket.destroy());
  }).listen(PORT, '127.0.0.1');
}

async function get(from: Dispatcher, size: number): Promise<string> {
  const { body } = await from.request({ path: `/bytes/${size}`, method: 'GET' });
  return same(Buffer.from(await body.arrayBuffer()), pattern(size));
}

async function post(from: Dispatcher, size: number, body: Buffer | Readable = pattern(size)): Promise<string> {
  const answered = await from.request({ path: '/digest', method: 'POST', body });
  const text = await answered.body.text();
  if (text !== digest(pattern(size))) throw new Error(`${text} for ${digest(pattern(size))}`);
  return `${answered.statusCode} ${text}`;
}

/** Into a stream that takes its time. */
async function streamed(from: Dispatcher, size: number): Promise<string> {
  const chunks: Buffer[] = [];
  await from.stream({ path: `/bytes/${size}`, method: 'GET' }, () => new Writable({
    highWaterMark: 16_384,
    write: (chunk: Buffer, _encoding, done) => {
      chunks.push(chunk);
      setImmediate(done);
    },
  }));
  return same(Buffer.concat(chunks), pattern(size));
}

async function trailers(from: Dispatcher, size: number): Promise<string> {
  const { body, trailers: after } = await from.request({ path: `/chunked/${size}`, method: 'GET' });
  const said = same(Buffer.from(await body.arrayBuffer()), pattern(size));
  return `${said}, trailer ${String(after['x-digest'])}`;
}

const codeOf = (what: Promise<unknown>): Promise<string> =>
  what.then(() => 'no error', (error: unknown) => (error as Error).name === 'AbortError' ? 'AbortError' : String((error as NodeJS.ErrnoException).code));

async function abandoned(from: Dispatcher): Promise<string> {
  const abort = new AbortController();
  const { body } = await from.request({ path: '/bytes/5000000', method: 'GET', signal: abort.signal });
  body.once('data', () => { abort.abort(); });
  const code = await codeOf(all(body));
  return `${code}; next: ${await get(from, 1000)}`;
}

async function ask(): Promise<void> {
  const one = new Client(ORIGIN);
  const pool = new Pool(ORIGIN, { connections: 10 });
  const pipelined = new Client(ORIGIN, { pipelining: 10 });
  await check('introduction', () => get(one, 10));
  for (const size of SIZES) {
    await check(`GET ${size}`, () => get(one, size));
    await check(`POST ${size}`, () => post(one, size));
  }
  await check('GET into a slow stream', () => streamed(one, 2_000_000));
  await check('POST of a stream of pieces', () =>
    post(one, 400_000, Readable.from((function* pieces() {
      const data = pattern(400_000);
      for (let at = 0; at < data.length; at += 999) yield data.subarray(at, at + 999);
    })())));
  await check('chunked, with a trailer', () => trailers(one, 200_000));
  await check('requests in a pool', async () => {
    const sizes = Array.from({ length: short ? 200 : 2000 }, (_, index) => (index * 37) % 20_000);
    return `${(await Promise.all(sizes.map((size) => get(pool, size)))).length} whole`;
  });
  await check('requests in a pipeline', async () => {
    const sizes = Array.from({ length: short ? 200 : 2000 }, (_, index) => (index * 53) % 5000);
    return `${(await Promise.all(sizes.map((size) => get(pipelined, size)))).length} whole`;
  });
  await check('a connection for each request', async () => {
    for (let turn = 0; turn < 100; turn++) {
      const { body } = await request(`${ORIGIN}/bytes/${turn * 100}`, { reset: true });
      same(Buffer.from(await body.arrayBuffer()), pattern(turn * 100));
    }
    return '100 whole';
  });
  await check('fetch', async () => {
    const response = await fetch(`${ORIGIN}/bytes/150000`);
    return `${response.status} ${digest(Buffer.from(await response.arrayBuffer()))}`;
  });
  for (const status of [204, 304, 404, 503]) {
    await check(`status ${status}`, async () => String((await one.request({ path: `/status/${status}`, method: 'GET' })).statusCode));
  }
  await check('long headers, both ways', async () => {
    const { headers, body } = await one.request({ path: '/headers/14000', method: 'GET', headers: { 'x-long': 'w'.repeat(30_000) } });
    return `${String(headers['x-long']?.length)} ${await body.text()}`;
  });
  await check('an answer that is torn off', () =>
    codeOf(one.request({ path: '/torn', method: 'GET' }).then(({ body }) => body.arrayBuffer())));
  await check('an answer that is abandoned', () => abandoned(one));
  await check('an answer that is late', () => codeOf(one.request({ path: '/slow/5000', method: 'GET', headersTimeout: 100 })));
}

await main(serve, ask);
