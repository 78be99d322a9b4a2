// SPDX-License-Identifier: Apache-2.0
/**
 * npm run endurance:frontdoor [-- --gigabytes N] [--seed N]
 *
 * Traffic whose every byte is compared at both ends, from another host through the front door of this one to a server on it and
 * to a pod of it, each a network namespace, while the agent is killed every ten seconds and started again. Ends when clients have
 * compared N GB (10^9 bytes) with "N passed, N failed". Exit code 0 when every claim holds, 1 otherwise, 2 for bad usage.
 */
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { takeLock } from '../helpers/kernel.js';
import { withPods, type Pods } from '../helpers/pods.js';
import { Ground, type RealAgent } from '../helpers/real-agent.js';
import { buildTraffic } from './build.js';
import { Traffic } from './traffic.js';

const KILL_EVERY_MS = 10_000;
const TELL_MS = 10_000;
const FINISH_MS = 60_000;
/** Slower than this is a failure: 50 MB in a second. */
const SLOWEST = 50_000_000;
/** More than its buffers and those of Node take is a leak. */
const MOST_RSS_KIB = 200_000;

function usage(words: string): never {
  console.error(`${words}\nusage: npm run endurance:frontdoor [-- --gigabytes N] [--seed N]`);
  process.exit(2);
}

function options(): { bytes: number; seed: number } {
  try {
    const { values } = parseArgs({ options: { gigabytes: { type: 'string' }, seed: { type: 'string' } } });
    const gigabytes = Number(values.gigabytes ?? 100), seed = Number(values.seed ?? Math.floor(Math.random() * 1e9));
    if (!(gigabytes > 0 && gigabytes <= 10_000)) usage('--gigabytes takes a number from 0 to 10000');
    if (!Number.isInteger(seed) || seed < 0) usage('--seed takes a whole number');
    return { bytes: gigabytes * 1e9, seed };
  } catch (error) {
    return usage((error as Error).message);
  }
}

const doors = (pods: Pods): object[] => [
  { name: 'host', address: '10.77.1.1', port: 8001, backends: [{ address: '127.0.0.1', port: 7000 }] },
  { name: 'pod', address: '10.77.1.1', port: 8002, backends: [{ address: pods.b4, port: 7000 }] },
];

function populate(traffic: Traffic, ground: Ground, program: string, pods: Pods, seed: number): void {
  const load = { connections: 24, chats: 4, bulks: 8, bytesPerSecond: 2 ** 40, briefs: 20, seed };
  for (const [name, netns, host, port] of [['host', pods.router, '127.0.0.1', 8001], ['pod', pods.b, pods.b4, 8002]] as const) {
    const server = traffic.addServer(name, { program, cgroup: ground.cgroup, netns }, { host, port: 7000 });
    traffic.addClient(name, { program, cgroup: ground.cgroup, netns: pods.a }, server, { host: '10.77.1.1', port }, load);
  }
}

/** The agents of one host, one after the other. The door process goes on from the first to the last. */
class Agents {
  kills = 0;
  #agent: RealAgent | undefined;

  constructor(readonly ground: Ground, readonly config: string) {}

  async start(): Promise<void> {
    this.#agent = this.ground.start([], this.config);
    writeFileSync(join(this.ground.cgroup, 'cgroup.procs'), String(this.#agent.child.pid));
    await this.#agent.says('ready');
  }

  async killNowAndThen(ended: AbortSignal): Promise<void> {
    for (;;) {
      if (await sleep(KILL_EVERY_MS, false, { signal: ended }).catch(() => true)) return;
      await this.#kill();
      this.kills++;
      await sleep(1000 * Math.random());
      await this.start();
    }
  }

  /** What it wrote to stays open for as long as its door process runs. */
  async #kill(): Promise<void> {
    if (!this.#agent) return;
    const gone = once(this.#agent.child, 'exit');
    this.#agent.child.kill('SIGKILL');
    await gone;
  }

  door(): { pid: number; rssKiB: number } {
    const { process: door } = this.ground.api('/v1/frontdoor') as { process: { pid: number } };
    return { pid: door.pid, rssKiB: Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${String(door.pid)}/status`, 'utf8'))?.[1]) };
  }
}

interface Claim {
  readonly claim: string;
  readonly otherwise: string;
}

async function run(ground: Ground, traffic: Traffic, agents: Agents, wanted: number): Promise<Claim[]> {
  const compared = (): number => traffic.clients.reduce((sum, { totals }) => sum + totals.bytes, 0);
  const ended = new AbortController(), started = Date.now(), deadline = started + 60_000 + (wanted / SLOWEST) * 1000;
  await agents.start();
  const before = agents.door();
  await traffic.start();
  const killing = agents.killNowAndThen(ended.signal);
  for (let told = started; compared() < wanted && Date.now() < deadline;) {
    await sleep(250);
    if (Date.now() < told + TELL_MS) continue;
    told = Date.now();
    console.log(`  ${(compared() / 1e9).toFixed(1)} GB compared, ${String(traffic.totals().opened)} ends, ${String(agents.kills)} kills, ${String(traffic.seen().length)} troubles`);
  }
  const seconds = (Date.now() - started) / 1000;
  ended.abort();
  await killing;
  await traffic.stop(FINISH_MS);
  const after = agents.door(), bytes = compared(), { opened, done } = traffic.totals();
  const { bytes: around } = ground.counters();
  console.log(`${(bytes / 1e9).toFixed(1)} GB compared in ${seconds.toFixed(0)} s, ${String(opened)} ends, ${String(agents.kills)} kills of the agent; door process ${String(before.rssKiB)} to ${String(after.rssKiB)} KiB; ${(around.redirected / 1e9).toFixed(1)} GB around TCP`);
  console.log(`connections by shape, both ends: ${JSON.stringify(done)}`);
  const troubles = traffic.seen().map(({ trouble, teller }) => `${teller}: ${trouble.what} ${trouble.error} (${trouble.shape})`);
  return [
    { claim: 'so many bytes were compared', otherwise: bytes >= wanted ? '' : `${(bytes / 1e9).toFixed(1)} GB` },
    { claim: 'no connection was refused, reset, cut short or stuck, and no byte was wrong', otherwise: troubles.slice(0, 5).join('; ') },
    { claim: 'every client and server came to its end', otherwise: traffic.players.flatMap(({ fallen }) => fallen).join('; ') },
    { claim: 'one door process served all the time', otherwise: before.pid === after.pid ? '' : `${String(before.pid)}, then ${String(after.pid)}` },
    { claim: 'its memory is bounded', otherwise: after.rssKiB < MOST_RSS_KIB ? '' : `${String(after.rssKiB)} KiB` },
    { claim: 'the agent was killed on the way', otherwise: agents.kills > 0 ? '' : 'it was not' },
  ];
}

const { bytes, seed } = options();
const program = buildTraffic();
const release = await takeLock();
const ground = new Ground(), traffic = new Traffic();
console.log(`front door: ${String(bytes / 1e9)} GB, seed ${String(seed)}`);
let claims: Claim[] = [];
try {
  await withPods(async (pods) => {
    ground.netns = pods.router;
    populate(traffic, ground, program, pods, seed);
    try {
      claims = await run(ground, traffic, new Agents(ground, ground.config(JSON.stringify({ frontdoors: doors(pods) }))), bytes);
    } catch (error) {
      claims = [{ claim: 'the run came to its end', otherwise: (error as Error).message }];
    } finally {
      for (const player of traffic.players) await player.kill();
      await ground.clean();
    }
  });
} finally {
  release();
}
const failed = claims.filter(({ otherwise }) => otherwise !== '').length;
for (const { claim, otherwise } of claims) console.log(otherwise === '' ? `ok      ${claim}` : `FAILED  ${claim}: ${otherwise}`);
console.log(`${String(claims.length - failed)} passed, ${String(failed)} failed`);
process.exit(failed === 0 ? 0 : 1);
