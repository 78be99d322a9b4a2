// SPDX-License-Identifier: Apache-2.0
/** socat moves bytes between sockets, files and programs, with blocking sockets and with others. */
import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Checks, digest, must, pattern } from '../checks.js';
import { BODIES, get, nginx } from '../web.js';
import type { Place } from '../place.js';
import type { Suite } from '../suite.js';

/** Up to a program that sends everything back, and half-close decides when that is. */
async function echo(place: Place, port: number, size: number, options: string): Promise<string> {
  const sent = pattern(size, 'socat');
  const { how, stdout, stderr } = await place.run(['socat', '-t', '10', '-', `TCP:127.0.0.1:${port}${options}`], { input: sent });
  must(stdout.equals(sent), `${how}, ${digest(stdout)} ${stderr}`);
  return `${how}, ${digest(stdout)}`;
}

async function upload(place: Place, size: number, options: string): Promise<string> {
  const sent = pattern(size, 'file');
  writeFileSync(place.path('sent'), sent);
  const server = place.start(['socat', '-u', `TCP-LISTEN:9600,reuseaddr${options}`, 'CREATE:got']);
  await place.listening(server, 9600);
  await place.output(['socat', '-u', 'FILE:sent', `TCP:127.0.0.1:9600${options}`]);
  const { how } = await server.end(20);
  const got = readFileSync(place.path('got'));
  must(got.equals(sent), `${how}, ${digest(got)}`);
  return `${how}, ${digest(got)}`;
}

/** A connection where nobody says anything is ended after a while. */
async function idle(place: Place, options: string): Promise<string> {
  const running = place.start(['socat', '-T', '0.5', '-', `TCP:127.0.0.1:9500${options}`]);
  await sleep(100);
  return (await running.end(10)).how;
}

async function run(place: Place, options: string): Promise<Checks> {
  const checks = new Checks();
  await nginx(place);
  const starts: [number, string, string][] = [
    [9500, `TCP-LISTEN:9500,fork,reuseaddr,backlog=100${options}`, 'EXEC:cat'],
    [9501, `TCP-LISTEN:9501,fork,reuseaddr,backlog=100${options}`, 'PIPE'],
    [9502, `TCP-LISTEN:9502,fork,reuseaddr,backlog=100${options}`, `TCP:127.0.0.1:8080${options}`],
  ];
  for (const [port, from, to] of starts) await place.listening(place.start(['socat', '-t', '10', from, to]), port);
  for (const size of [1, 1000, 65_536, 1_000_000, 10_000_000]) {
    await checks.check(`through a program: ${size}`, () => echo(place, 9500, size, options));
    await checks.check(`a file: ${size}`, () => upload(place, size, options));
  }
  await checks.check('through a pipe', () => echo(place, 9501, 4000, options));
  for (const size of BODIES) await checks.check(`in front of nginx: ${size}`, () => get(place, 'http://127.0.0.1:9502', size));
  await checks.check('20 at once', async () => {
    const said = await Promise.all(Array.from({ length: 20 }, (_, index) => echo(place, 9500, 100_000 + index, options)));
    return `${new Set(said).size} different answers`;
  });
  await checks.check('nobody says anything', () => idle(place, options));
  return checks;
}

export const SOCAT: readonly Suite[] = [
  {
    name: 'socat',
    about: 'socat with blocking sockets: files, programs, a relay in front of nginx, half-close',
    floor: { connections: 0, bytes: 0 },
    why: 'blocking sockets stay on TCP',
    needs: ['socat', 'nginx', 'curl'],
    run: async (place) => (await run(place, '')).outcomes,
  },
  {
    name: 'socat, non-blocking',
    about: 'the same with the option nonblock',
    floor: { connections: 0.15, bytes: 0 },
    why: 'its listeners block, so each connection is watched for itself, and most are over by then',
    needs: ['socat', 'nginx', 'curl'],
    run: async (place) => (await run(place, ',nonblock')).outcomes,
  },
];
