// SPDX-License-Identifier: Apache-2.0
/** nginx with files to serve, and the clients that ask it. */
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { digest, must, pattern, type Checks } from './checks.js';
import { certificate } from './certificate.js';
import type { Place } from './place.js';

/** Bodies: below and above what nginx, a segment and the queue of a reader hold. */
export const BODIES = [1, 100, 10_000, 65_536, 300_000, 1_000_000, 5_000_000];

export const body = (size: number): Buffer => pattern(size, 'body');

export async function nginx(place: Place): Promise<void> {
  for (const folder of ['www/put', 'tmp']) mkdirSync(place.path(folder), { recursive: true });
  for (const size of BODIES) writeFileSync(place.path('www', `f${size}`), body(size));
  await certificate(place);
  // It looks for certificates beside its configuration.
  copyFileSync(place.source('configs/nginx.conf'), place.path('nginx.conf'));
  const server = place.start(['nginx', '-p', place.dir, '-e', 'nginx.log', '-c', 'nginx.conf']);
  for (const port of [8080, 8081, 8082, 8083, 8084, 8085, 8086]) await place.listening(server, port);
}

export const curl = async (place: Place, ...words: string[]): Promise<Buffer> => {
  const { how, stdout, stderr } = await place.run(['curl', '-sS', '--max-time', '20', ...words]);
  must(how === 'exit 0', `${how}: ${stderr}`);
  return stdout;
};

export async function get(place: Place, url: string, size: number, ...words: string[]): Promise<string> {
  const got = await curl(place, ...words, `${url}/f${size}`);
  must(got.equals(body(size)), `another body: ${digest(got)}`);
  return digest(got);
}

/** Up over `url`; the file that it made is looked at. */
export async function put(place: Place, url: string, size: number, ...words: string[]): Promise<string> {
  const name = `put/p${size}`;
  const status = await curl(place, '-o', '/dev/null', '-w', '%{http_code}', '-T', place.path('www', `f${size}`), ...words, `${url}/${name}`);
  const got = readFileSync(place.path('www', name));
  must(got.equals(body(size)), `another body arrived: ${digest(got)}`);
  await curl(place, '-X', 'DELETE', `http://127.0.0.1:8080/${name}`);
  return `${status.toString()}, ${digest(got)}`;
}

/** All bodies, a connection for each, and then all over one. */
export async function bodies(place: Place, checks: Checks, name: string, url: string, options: { put?: boolean; words?: readonly string[] } = {}): Promise<void> {
  const words = options.words ?? [];
  for (const size of BODIES) {
    await checks.check(`${name}: GET ${size}`, () => get(place, url, size, ...words));
    if (options.put) await checks.check(`${name}: PUT ${size}`, () => put(place, url, size, ...words));
  }
  await checks.check(`${name}: all over one connection`, async () => {
    const got = await curl(place, ...words, ...Array.from({ length: 3 }, () => BODIES.map((size) => `${url}/f${size}`)).flat());
    must(got.equals(Buffer.concat(Array.from({ length: 3 }, () => BODIES.map(body)).flat())), `other bodies: ${digest(got)}`);
    return digest(got);
  });
}

/** wrk for a moment: every answer must be good. */
export async function wrk(place: Place, url: string, ...words: string[]): Promise<string> {
  const text = await place.output(['wrk', '-t', '2', '-c', '32', '-d', place.short ? '1s' : '5s', ...words, url]);
  must(!/Non-2xx|Socket errors/.test(text), text);
  must(Number(/(\d+) requests in/.exec(text)?.[1]) > 100, text);
  return 'all answers are good';
}

/** h2load counts what it got. */
export async function h2load(place: Place, url: string, ...words: string[]): Promise<string> {
  const text = await place.output(['h2load', '-n', place.short ? '2000' : '20000', '-c', '20', '-t', '2', ...words, url]);
  const lines = text.split('\n').filter((line) => /^(requests|status codes):/.test(line));
  const data = /\((\d+)\) data/.exec(text)?.[1] ?? '?';
  return `${lines.join('; ')}; ${data} bytes`;
}
