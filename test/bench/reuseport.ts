// SPDX-License-Identifier: Apache-2.0
/**
 * Listeners that share a port in figures, as JSON: what the chooser adds between SYN and accept, and how long clients wait
 * where some requests are heavy or a worker is stopped, against the hash of the kernel and one shared accept queue. In turns.
 * `npm run bench:reuseport [-- --short]`: five minutes, or one.
 */
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { takeLock } from '../helpers/kernel.js';
import { groupOf, listeners, onGround, type Ground } from '../helpers/reuseport.js';
import { buildDriver } from './build.js';

const PROGRAM = fileURLToPath(new URL('../../../test/bench/queueing.py', import.meta.url));
const short = process.argv.includes('--short');

/** The ports of the three ways to spread connections. */
const ways = { balanced: 8080, hash: 8081, shared: 8082 } as const;
type Way = keyof typeof ways;

interface Waits { all: { count: number; p50: number; p99: number }; light: { count: number; p50: number; p99: number }; overdue: number; failed: number }

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

async function workers(ground: Ground, way: Way, count: number): Promise<number[]> {
  const server = ground.command(['/usr/bin/python3', PROGRAM, 'server', JSON.stringify({ workers: count, port: ways[way], shared: way === 'shared' })]);
  return (await server.next())['pids'] as number[];
}

async function wait(ground: Ground, way: Way, more: object): Promise<Waits> {
  const client = ground.command(['/usr/bin/python3', PROGRAM, 'client', JSON.stringify({ port: ways[way], timeout: 10, seconds: short ? 5 : 15, ...more })]);
  return (await client.end())[0] as unknown as Waits;
}

/** Eight workers, half busy; one request in twenty takes thirty times as long. */
const heavy = (): Promise<object> => measured(async (ground) => {
  const reuseport = await ground.balance();
  for (const way of ['balanced', 'hash', 'shared'] as const) await workers(ground, way, 8);
  await listeners(ground, reuseport, 8);
  const load = { perSecond: 330, lightMs: 5, heavyMs: 150, heavyShare: 0.05 };
  return turns((way, seed) => wait(ground, way, { ...load, seed }), short ? 1 : 3);
});

/** One of eight is stopped; a second later the stream begins. Those that wait at it longer than the timeout are overdue. */
const stuck = (): Promise<object> => measured(async (ground) => {
  const reuseport = await ground.balance();
  const stopped: number[] = [];
  for (const way of ['balanced', 'hash', 'shared'] as const) stopped.push((await workers(ground, way, 8))[0] ?? 0);
  await listeners(ground, reuseport, 8);
  const load = { perSecond: 200, lightMs: 5, heavyMs: 5, heavyShare: 0, timeout: 3 };
  for (const pid of stopped) process.kill(pid, 'SIGSTOP');
  // Enough to have each stopped listener hold one, as in any server that is in use.
  for (const way of ['balanced', 'hash', 'shared'] as const) await wait(ground, way, { ...load, perSecond: 40, seconds: 1, seed: 99 });
  await sleep(1000);
  try {
    return await turns((way, seed) => wait(ground, way, { ...load, seed }), short ? 1 : 3);
  } finally {
    for (const pid of stopped) process.kill(pid, 'SIGCONT');
  }
});

async function turns(one: (way: Way, seed: number) => Promise<Waits>, rounds: number): Promise<object> {
  const runs: Record<Way, Waits[]> = { balanced: [], hash: [], shared: [] };
  const order = ['balanced', 'hash', 'shared'] as const;
  for (let turn = 0; turn < rounds; turn++)
    for (const way of turn % 2 === 0 ? order : [...order].reverse()) runs[way].push(await one(way, turn));
  return Object.fromEntries(order.map((way) => [way, {
    allP99Ms: median(runs[way].map(({ all }) => all.p99)), lightP50Ms: median(runs[way].map(({ light }) => light.p50)), lightP99Ms: median(runs[way].map(({ light }) => light.p99)),
    served: runs[way].reduce((sum, { all }) => sum + all.count, 0), overdue: runs[way].reduce((sum, run) => sum + run.overdue, 0),
    failed: runs[way].reduce((sum, run) => sum + run.failed, 0),
  }]));
}

/** Connections to a group that one thread serves, balanced or not: the time from connect() to accept(). */
const attach = (size: number): Promise<object> => measured(async (ground) => {
  const driver = await buildDriver('connect');
  const reuseport = await ground.balance({ 'reuseport.interval': '100ms' });
  const added: number[] = [], plain: number[] = [], count = short ? 5000 : 20_000;
  const run = async (way: 'balanced' | 'hash'): Promise<number> => {
    const program = ground.command([driver, '127.0.0.1', String(ways[way]), '127.0.0.1', String(ways[way]), String(count), String(size)]);
    await program.next();
    if (way === 'balanced') await listeners(ground, reuseport, size);
    else await sleep(200);
    program.say();
    const { acceptP50 } = await program.next() as { acceptP50: number };
    if (way === 'balanced') {
      const given = (await groupOf(ground, reuseport)).listeners.reduce((sum, { selected }) => sum + selected, 0);
      if (given < count) throw new Error(`the chooser gave only ${given} of ${count}`);
    }
    program.say();
    await program.end();
    return acceptP50;
  };
  for (let turn = 0; turn < (short ? 3 : 9); turn++) {
    const [first, second] = turn % 2 === 0 ? (['balanced', 'hash'] as const) : (['hash', 'balanced'] as const);
    const took = { [first]: await run(first), [second]: await run(second) };
    plain.push(took['hash'] ?? 0);
    added.push((took['balanced'] ?? 0) - (took['hash'] ?? 0));
  }
  return { listeners: size, hashP50Ns: median(plain), addedP50Ns: median(added), addedRangeNs: [Math.min(...added), Math.max(...added)] };
});

async function measured(part: (ground: Ground) => Promise<object>): Promise<object> {
  let figures = {};
  const release = await takeLock();
  try {
    await onGround(async (ground) => { figures = await part(ground); });
  } finally {
    release();
  }
  return figures;
}

const figures = { node: process.version, attach: [await attach(4), await attach(16)], heavy: await heavy(), stuck: await stuck() };
process.stdout.write(`${JSON.stringify(figures, undefined, 2)}\n`);
