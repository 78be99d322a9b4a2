// SPDX-License-Identifier: Apache-2.0
/**
 * Servers that others wrote, with the load generators that come with them. Fresh processes for each sample; the server on CPU 1, who
 * loads it on CPU 0, and a CPU without work polls, as in the rows of two cores.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AS_POSTGRES, pg, postgresIds } from '../helpers/postgres.js';
import { Program, type Where } from '../helpers/program.js';
import type { Flow } from './flow.js';
import { idlePoll } from './machine.js';
import type { Mode, Stage } from './stage.js';

const PATIENCE_MS = 10_000;
const REQUESTS_OF_A_SECOND = 60_000;

const ON_SERVER_CPU = ['taskset', '-c', '1'], ON_CLIENT_CPU = ['taskset', '-c', '0'];

/** They take a moment for begin and end, and have many connections, so that short samples say little. */
const LONGER = 4;

const programMs = (stage: Stage): number => LONGER * stage.sampleMs;

/** What programs are told that take whole seconds. */
const programSeconds = (stage: Stage): number => Math.max(1, Math.round(programMs(stage) / 1000));

async function listening(at: number | string): Promise<void> {
  for (const until = Date.now() + PATIENCE_MS; Date.now() < until;) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = typeof at === 'number' ? connect(at, '127.0.0.1') : connect(at);
      socket.once('connect', () => { socket.destroy(); resolve(true); }).once('error', () => { resolve(false); });
    });
    if (open) return;
    await sleep(20);
  }
  throw new Error(`nobody listens at ${at} after ${PATIENCE_MS / 1000} seconds`);
}

/** Runs a server for as long as `use` needs it. */
async function serving<T>(command: readonly string[], cgroup: string, at: number | string, use: () => Promise<T>): Promise<T> {
  const server = new Program(command, { cgroup });
  server.child.stdout!.resume();
  try {
    await listening(at);
    return await use();
  } finally {
    server.child.kill('SIGTERM');
    setTimeout(() => { server.child.kill('SIGKILL'); }, 3000).unref();
    await server.lastWords();
  }
}

async function onTwoCpus<T>(command: readonly string[], cgroup: string, at: number | string, use: () => Promise<T>): Promise<T> {
  const release = idlePoll();
  try {
    return await serving([...ON_SERVER_CPU, ...command], cgroup, at, use);
  } finally {
    release();
  }
}

/** Runs it to its good end; resolves to what it printed. */
export async function output(command: readonly string[], where: Where): Promise<string> {
  const program = new Program(command, where);
  const lines: string[] = [];
  for (let line = await program.line(); line !== undefined; line = await program.line()) lines.push(line);
  const end = await program.lastWords();
  if (!end.startsWith('0')) throw new Error(`${command.join(' ')} ended with ${end}`);
  return lines.join('\n');
}

function figure(text: string, pattern: RegExp): number {
  const value = Number(pattern.exec(text)?.[1]);
  if (!(value > 0)) throw new Error(`no figure in: ${text.slice(-300)}`);
  return value;
}

const requests = (stage: Stage, perSecond = REQUESTS_OF_A_SECOND): string => String(Math.ceil((perSecond * programMs(stage)) / 1000));

/** Requests per second. */
export function redis(stage: Stage, mode: Mode, kind: 'GET' | 'SET', pipeline: number): Promise<number> {
  const { server, client } = stage.cgroups(mode);
  const port = stage.port(), socket = join(stage.folder, `redis-${port}`);
  const address = mode === 'unix' ? ['-s', socket] : ['-h', '127.0.0.1', '-p', String(port)];
  const command = ['redis-server', '--save', '', '--appendonly', 'no', '--bind', '127.0.0.1', '--port', String(port), '--unixsocket', socket, '--dir', stage.folder];
  return onTwoCpus(command, server, mode === 'unix' ? socket : port, async () => {
    const text = await output([...ON_CLIENT_CPU, 'redis-benchmark', ...address, '-c', '50', '-P', String(pipeline), '-t', kind.toLowerCase(),
      '-n', requests(stage, REQUESTS_OF_A_SECOND * Math.min(4, pipeline)), '--csv'], { cgroup: client });
    return figure(text, new RegExp(`^"${kind}","([\\d.]+)"`, 'm'));
  });
}

/** Requests per second. */
export function nginx(stage: Stage, mode: Mode): Promise<number> {
  const { server, client } = stage.cgroups(mode);
  const port = stage.port(), folder = join(stage.folder, 'nginx');
  mkdirSync(folder, { recursive: true });
  chmodSync(stage.folder, 0o755);
  writeFileSync(join(folder, 'small'), 'x'.repeat(100));
  const config = join(folder, `nginx-${port}.conf`);
  writeFileSync(config, `daemon off; worker_processes 1; pid ${folder}/pid-${port}; error_log stderr error; events { worker_connections 512; }
http { access_log off; keepalive_requests 100000000; server { listen 127.0.0.1:${port}; root ${folder}; } }\n`);
  return onTwoCpus(['nginx', '-c', config], server, port, async () => {
    const text = await output([...ON_CLIENT_CPU, 'wrk', '-t', '1', '-c', '16', '-d', `${programSeconds(stage)}s`, `http://127.0.0.1:${port}/small`], { cgroup: client });
    if (/Non-2xx|Socket errors/.test(text)) throw new Error(text);
    return figure(text, /Requests\/sec:\s+([\d.]+)/);
  });
}

/** Gets per second. */
export function memcached(stage: Stage, mode: Mode): Promise<number> {
  const { server, client } = stage.cgroups(mode);
  const port = stage.port(), each = Number(requests(stage)) / 4;
  return onTwoCpus(['memcached', '-u', 'root', '-l', '127.0.0.1', '-p', String(port), '-t', '1'], server, port, async () => {
    const text = await output([...ON_CLIENT_CPU, 'memcslap', `--servers=127.0.0.1:${port}`, '--concurrency=4', `--execute-number=${each}`, '--initial-load=1000', '--test=get', '--tcp-nodelay', '--non-blocking'], { cgroup: client });
    return figure(text, /Time to get\s+(\d+) keys/) / figure(text, /Time to get.*:\s+([\d.]+) seconds/);
  });
}

function database(stage: Stage): string {
  const folder = join(stage.folder, 'postgres');
  if (existsSync(folder)) return folder;
  chmodSync(stage.folder, 0o755);
  mkdirSync(folder);
  chownSync(folder, ...postgresIds());
  execFileSync(AS_POSTGRES[0] ?? '', [...AS_POSTGRES.slice(1), pg('initdb'), '-D', join(folder, 'data'), '-A', 'trust'], { stdio: 'ignore', cwd: folder });
  return folder;
}

/** Transactions per second. */
export function pgbench(stage: Stage, mode: Mode): Promise<number> {
  const { server, client } = stage.cgroups(mode);
  const port = stage.port(), folder = database(stage), socket = join(folder, `.s.PGSQL.${port}`);
  const env = { PGHOST: mode === 'unix' ? folder : '127.0.0.1', PGPORT: String(port), PGUSER: 'postgres', PGDATABASE: 'postgres', PGSSLMODE: 'disable' };
  const settings = { listen_addresses: '127.0.0.1', port, unix_socket_directories: folder, fsync: 'off' };
  const command = [...AS_POSTGRES, pg('postgres'), '-D', join(folder, 'data'), ...Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`])];
  return onTwoCpus(command, server, socket, async () => {
    await listening(port);
    const filled = join(folder, 'filled');
    if (!existsSync(filled)) {
      await output([pg('pgbench'), '-i', '-q', '-s', '2'], { cgroup: client, env });
      writeFileSync(filled, '');
    }
    return figure(await output([...ON_CLIENT_CPU, pg('pgbench'), '-n', '-S', '-c', '1', '-T', String(programSeconds(stage))], { cgroup: client, env }), /tps = ([\d.]+)/);
  });
}

const haproxyConfig = (front: number, back: number): string => `global\n  maxconn 1000\n  nbthread 1\ndefaults\n  mode tcp\n  timeout connect 5s\n  timeout client 60s\n  timeout server 60s
listen hop\n  bind 127.0.0.1:${front}\n  server one 127.0.0.1:${back}\n`;

const nginxConfig = (front: number, back: number, folder: string): string => `load_module modules/ngx_stream_module.so; daemon off; worker_processes 1; pid ${folder}/pid-${front}; error_log stderr error; events { worker_connections 512; }
stream { server { listen 127.0.0.1:${front}; tcp_nodelay on; proxy_pass 127.0.0.1:${back}; } }\n`;

/** A connection straight to the server, or through a layer 4 proxy on the same CPU. */
export async function hop(stage: Stage, mode: Mode, words: readonly string[], figureOf: (flow: Flow) => number | undefined): Promise<number> {
  const port = stage.port();
  if (mode !== 'haproxy' && mode !== 'nginx') return figureOf(await stage.flow(mode, 'loopback', true, words, port)) ?? NaN;
  const front = stage.port(), config = join(stage.folder, `${mode}-${port}.cfg`);
  writeFileSync(config, mode === 'haproxy' ? haproxyConfig(front, port) : nginxConfig(front, port, stage.folder));
  const command = mode === 'haproxy' ? ['haproxy', '-db', '-f', config] : ['nginx', '-c', config];
  return serving([...ON_CLIENT_CPU, ...command], stage.plain, front, async () =>
    figureOf(await stage.flow('plain', 'loopback', true, words, port, front)) ?? NaN);
}
