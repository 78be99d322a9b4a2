// SPDX-License-Identifier: Apache-2.0
/** HTTP/2 of Node.js: in the clear, and over TLS with the certificate in the folder that it runs in. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, createSecureServer, createServer, type ClientHttp2Session, type ClientHttp2Stream, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import { setTimeout as sleep } from 'node:timers/promises';
import { all, digest, pattern, same, SIZES } from './bytes.js';
import { check, main, short } from './report.js';

const ORIGINS = { h2c: 'http://127.0.0.1:7300', h2: 'https://127.0.0.1:7301' };

async function answer(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): Promise<void> {
  const [, what = '', value = '0'] = (headers[':path'] ?? '').split('/');
  switch (what) {
    case 'bytes': stream.respond({ ':status': 200 }); stream.end(pattern(Number(value))); return;
    case 'digest': { const got = digest(await all(stream)); stream.respond({ ':status': 200 }); stream.end(got); return; }
    case 'reset': stream.respond({ ':status': 200 }); stream.write('begun'); await sleep(20); stream.destroy(new Error('on purpose')); return;
    case 'trailers':
      stream.respond({ ':status': 200 }, { waitForTrailers: true });
      stream.on('wantTrailers', () => { stream.sendTrailers({ 'x-after': 'yes' }); });
      stream.end(pattern(Number(value)));
      return;
    default: stream.respond({ ':status': 404 }); stream.end();
  }
}

function serve(): void {
  const onStream = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void => {
    stream.on('error', () => undefined);
    void answer(stream, headers).catch(() => undefined);
  };
  createServer().on('stream', onStream).listen(7300, '127.0.0.1');
  createSecureServer({ key: readFileSync('key.pem'), cert: readFileSync('cert.pem') }).on('stream', onStream).listen(7301, '127.0.0.1');
}

async function get(session: ClientHttp2Session, size: number): Promise<string> {
  return same(await all(session.request({ ':path': `/bytes/${size}` })), pattern(size));
}

async function post(session: ClientHttp2Session, size: number): Promise<string> {
  const stream = session.request({ ':path': '/digest', ':method': 'POST' });
  stream.end(pattern(size));
  const text = (await all(stream)).toString();
  if (text !== digest(pattern(size))) throw new Error(`${text} for ${digest(pattern(size))}`);
  return text;
}

/** Reads so slowly that the windows of the stream close. */
async function lagging(stream: ClientHttp2Stream, size: number): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) {
    chunks.push(chunk as Buffer);
    if (chunks.length % 10 === 0) await sleep(1);
  }
  return same(Buffer.concat(chunks), pattern(size));
}

async function trailers(session: ClientHttp2Session): Promise<string> {
  const stream = session.request({ ':path': '/trailers/50000' });
  const after = once(stream, 'trailers') as Promise<[IncomingHttpHeaders]>;
  const said = same(await all(stream), pattern(50_000));
  return `${said}, trailer ${String((await after)[0]['x-after'])}`;
}

async function reset(session: ClientHttp2Session): Promise<string> {
  const stream = session.request({ ':path': '/reset' });
  stream.on('error', () => undefined);
  stream.resume();
  await new Promise((resolve) => { stream.on('close', resolve); });
  return `code ${stream.rstCode}; next: ${await get(session, 1000)}`;
}

async function askOne(kind: keyof typeof ORIGINS): Promise<void> {
  const session = connect(ORIGINS[kind], { rejectUnauthorized: false });
  session.on('error', () => undefined);
  for (const size of SIZES) {
    await check(`${kind}: GET ${size}`, () => get(session, size));
    await check(`${kind}: POST ${size}`, () => post(session, size));
  }
  const many = short ? 200 : 2000;
  await check(`${kind}: streams at once`, async () => {
    const sizes = Array.from({ length: many }, (_, index) => (index * 97) % 30_000);
    return `${(await Promise.all(sizes.map((size, index) => (index % 2 === 0 ? get : post)(session, size)))).length} whole`;
  });
  await check(`${kind}: a reader that lags beside others`, async () => {
    const [slow, ...others] = await Promise.all([lagging(session.request({ ':path': '/bytes/4000000' }), 4_000_000),
      ...Array.from({ length: 20 }, () => get(session, 10_000))]);
    return `${slow}, ${others.length} others`;
  });
  await check(`${kind}: trailers`, () => trailers(session));
  await check(`${kind}: a stream that is reset`, () => reset(session));
  await check(`${kind}: ping`, () => new Promise((resolve, reject) => {
    session.ping(Buffer.from('12345678'), (error, _ms, payload) => { if (error) reject(error); else resolve(payload.toString()); });
  }));
  session.close();
  await once(session, 'close');
  await check(`${kind}: 50 sessions in turn`, async () => {
    for (let turn = 0; turn < 50; turn++) {
      const one = connect(ORIGINS[kind], { rejectUnauthorized: false });
      await get(one, turn * 500);
      one.close();
      await once(one, 'close');
    }
    return '50 whole';
  });
}

await main(serve, async () => {
  await askOne('h2c');
  await askOne('h2');
});
