/** The rounds of redis-benchmark: same server, same path, inside and outside of the served cgroup in turn. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { count } from '../agent/cli/render/units.js';
import type { Redirected } from './agent.js';
import type { Benchmark } from './csv.js';
import type { ReadBack } from './readback.js';
import type { Stage } from './stage.js';
import { block, type Path, type Sample } from './statistics.js';

export interface Measurement<T> {
  readonly result: T;
  /** Packets that crossed the loopback device meanwhile, whoever sent them. */
  readonly loPackets: number;
  readonly redirected: Redirected;
}

export interface Round extends Sample, Measurement<Benchmark> {
  /** GET and SET together. */
  readonly requests: number;
}

export interface Check extends ReadBack {
  readonly path: Path;
  readonly redirected: Redirected;
}

const readBackProgram = fileURLToPath(new URL('readback.js', import.meta.url));
const keys = 1000;
const warmUpRequests = 5000;

const groupOf = ({ ground }: Stage, path: Path): string => (path === 'accelerated' ? ground.served : ground.plain);

const loPackets = (): number => Number(readFileSync('/sys/class/net/lo/statistics/tx_packets', 'utf8'));

/** Runs something, and sees what the kernel counted meanwhile. */
export async function measure<T>(stage: Stage, path: Path, run: (group: string) => Promise<T>): Promise<Measurement<T>> {
  const before = await stage.agent.redirected();
  const packets = loPackets();
  const result = await run(groupOf(stage, path));
  const loPacketsNow = loPackets();
  const after = await stage.agent.redirected();
  return {
    result,
    loPackets: loPacketsNow - packets,
    redirected: { bytes: after.bytes - before.bytes, messages: after.messages - before.messages },
  };
}

/** Written and read through the accelerated path, then read again through plain TCP, which nobody here has touched. */
export async function checkResults(stage: Stage, seed: string): Promise<Check[]> {
  const checks: Check[] = [];
  for (const [path, what] of [['accelerated', 'write'], ['plain', 'read']] as const) {
    const words = [process.execPath, readBackProgram, String(stage.redis.port), seed, String(keys), what];
    const { result, redirected } = await measure(stage, path, (group) => stage.commands.run(group, words));
    checks.push({ path, redirected, ...(JSON.parse(result) as ReadBack) });
  }
  return checks;
}

/** So many requests of each kind that a plain round takes about as long as wanted. */
export function requestsFor(plain: Benchmark, seconds: number): number {
  const each = seconds / (1 / plain.GET.requestsPerSecond + 1 / plain.SET.requestsPerSecond);
  return Math.min(1_000_000, Math.max(5000, Math.round(each / 1000) * 1000));
}

/** Also warms up server, caches and both paths. */
export async function calibrate(stage: Stage, seconds: number): Promise<number> {
  stage.progress.now('warming up');
  await stage.redis.benchmark(stage.ground.served, warmUpRequests);
  return requestsFor(await stage.redis.benchmark(stage.ground.plain, warmUpRequests), seconds);
}

export interface Rounds {
  readonly rounds: Round[];
  readonly checks: Check[];
}

export async function runRounds(stage: Stage, blocks: number, requests: number): Promise<Rounds> {
  const rounds: Round[] = [];
  const checks = await checkResults(stage, 'before');
  for (let number = 0; number < blocks; number++) {
    for (const path of block) {
      const name = `round ${rounds.length + 1} of ${blocks * block.length}, ${path}`;
      stage.progress.now(`${name}: redis-benchmark, ${count(requests)} GET and ${count(requests)} SET`);
      const measured = await measure(stage, path, (group) => stage.redis.benchmark(group, requests));
      rounds.push({ block: number, path, requests: 2 * requests, ...measured });
      stage.progress.done(`${name}: ${inShort(measured)}`);
      if (path === 'accelerated') checks.push(...await checkResults(stage, `round ${rounds.length}`));
    }
  }
  return { rounds, checks };
}

function inShort({ result: { GET, SET }, loPackets: packets, redirected }: Measurement<Benchmark>): string {
  return `GET ${count(GET.requestsPerSecond)}/s, SET ${count(SET.requestsPerSecond)}/s, ` +
    `${count(redirected.messages)} messages redirected, ${count(packets)} packets on lo`;
}
