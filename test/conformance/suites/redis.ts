// SPDX-License-Identifier: Apache-2.0
/** redis-server with the tools that come with it, and with its client library for Node.js. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Checks, digest, must, pattern } from '../checks.js';
import type { Place } from '../place.js';
import { TRUSTED, type Suite } from '../suite.js';
import type { Running } from '../running.js';

async function server(place: Place, port: number, ...more: string[]): Promise<Running> {
  const running = place.start(['redis-server', '--save', '', '--appendonly', 'no', '--port', String(port), '--bind', '127.0.0.1',
    '--enable-debug-command', 'yes', '--dbfilename', `${port}.rdb`, '--repl-diskless-sync-delay', '0', ...more]);
  await place.listening(running, port);
  return running;
}

const cli = async (place: Place, words: readonly string[], input?: Buffer | string): Promise<string> =>
  (await place.output(['redis-cli', ...words], input === undefined ? {} : { input })).trim();

/** The names of the tests that came to an end; their figures are of no interest here. */
async function benchmark(place: Place, ...words: string[]): Promise<string> {
  const lines = (await place.output(['redis-benchmark', '--csv', ...words], { limitS: 120 })).trim().split('\n').slice(1);
  must(lines.every((line) => Number(line.split(',')[1]?.replaceAll('"', '')) > 0), lines.join(' '));
  return lines.map((line) => line.split(',')[0]?.replaceAll('"', '')).join(', ');
}

/** SET commands as redis-cli --pipe takes them. */
function commands(count: number): Buffer {
  const parts = Array.from({ length: count }, (_, index) => {
    const [key, value] = [`k${index}`, pattern(1 + (index * 131) % 2000, `v${index}`)];
    return Buffer.concat([Buffer.from(`*3\r\n$3\r\nSET\r\n$${key.length}\r\n${key}\r\n$${value.length}\r\n`), value, Buffer.from('\r\n')]);
  });
  return Buffer.concat(parts);
}

async function benchmarks(place: Place, checks: Checks): Promise<void> {
  const n = place.short ? '30000' : '100000';
  await checks.check('redis-benchmark', () => benchmark(place, '-n', n, '-c', '50', ...(place.short ? ['-t', 'set,get,lpush,lpop,zadd,mset'] : [])));
  await checks.check('redis-benchmark, pipelines of 16', () => benchmark(place, '-n', `${n}0`, '-P', '16', '-t', 'set,get'));
  await checks.check('redis-benchmark, values of 100 kB', () => benchmark(place, '-n', '5000', '-c', '10', '-d', '100000', '-t', 'set,get'));
  await checks.check('redis-benchmark, two threads', () => benchmark(place, '-n', n, '--threads', '2', '-t', 'set,get'));
}

async function byHand(place: Place, checks: Checks): Promise<void> {
  const large = pattern(place.short ? 10_000_000 : 50_000_000, 'large');
  await cli(place, ['flushall']);
  await checks.check('redis-cli --pipe', async () => (await cli(place, ['--pipe'], commands(place.short ? 10_000 : 100_000))).split('\n').at(-1)!);
  await checks.check('redis-cli: a large value', async () => {
    const stored = await cli(place, ['-x', 'set', 'large'], large);
    const { stdout } = await place.run(['redis-cli', 'get', 'large']);
    must(stdout.subarray(0, -1).equals(large), 'another value came back');
    return `${stored} ${digest(stdout)}`;
  });
  await checks.check('redis-cli: a transaction', () => cli(place, [], 'multi\nset a 1\nincrby a 41\nget a\nexec\n'));
  await checks.check('redis-cli: a script', () => cli(place, ['eval', 'local s = 0 for i = 1, 1000 do s = s + redis.call("incrby", KEYS[1], i) end return s', '1', 'n']));
  await checks.check('redis-cli --scan', async () => `${(await cli(place, ['--scan', '--pattern', 'k*'])).split('\n').length} keys`);
  await checks.check('the whole data set', () => cli(place, ['debug', 'digest']));
}

async function replica(place: Place): Promise<string> {
  const running = await server(place, 6380, '--replicaof', '127.0.0.1 6379');
  try {
    for (let tries = 0; !(await cli(place, ['-p', '6380', 'info', 'replication'])).includes('master_link_status:up'); tries++) {
      must(tries < 200, 'the replica did not come up');
      await sleep(50);
    }
    await benchmark(place, '-n', '2000', '-r', '100000', '-t', 'set,lpush');
    await cli(place, ['set', 'last', 'one']);
    must(await cli(place, ['wait', '1', '5000']) === '1', 'the replica did not follow');
    const [one, other] = [await cli(place, ['debug', 'digest']), await cli(place, ['-p', '6380', 'debug', 'digest'])];
    must(one === other, `${one} there, ${other} here`);
    return 'has the same digest';
  } finally {
    await running.stop();
  }
}

const redis: Suite = {
  name: 'redis',
  about: 'redis-server with redis-benchmark, redis-cli (--pipe, scripts, large values), a replica, and its Node.js client (pub/sub, MULTI)',
  floor: { connections: 0.6, bytes: 0 },
  needs: ['redis-server', 'redis-benchmark', 'redis-cli'],
  async run(place) {
    const checks = new Checks();
    await server(place, 6379);
    await benchmarks(place, checks);
    await byHand(place, checks);
    await checks.check('a replica', () => replica(place));
    await checks.driver('@redis/client', place.run(place.driver('redis', 'ask', ...(place.short ? ['short'] : [])), { limitS: 120 }));
    return checks.outcomes;
  },
};

const churn: Suite = {
  name: 'redis, short',
  about: 'redis-benchmark with a connection for each request, and with many; listeners are trusted',
  settings: TRUSTED,
  floor: { connections: 0.6, bytes: 0.6 },
  needs: redis.needs,
  async run(place) {
    const checks = new Checks();
    await server(place, 6379);
    await checks.check('a connection for each request', () => benchmark(place, '-n', place.short ? '2000' : '20000', '-k', '0', '-t', 'set,get,incr'));
    await checks.check('500 clients', () => benchmark(place, '-n', '5000', '-c', '500', '-t', 'ping_mbulk'));
    return checks.outcomes;
  },
};

export const REDIS: readonly Suite[] = [redis, churn];
