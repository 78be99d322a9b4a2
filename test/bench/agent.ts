// SPDX-License-Identifier: Apache-2.0
/**
 * What the agent itself costs, as JSON: memory, processor time when nothing happens, the time of a scrape and what the loop
 * makes others wait, with so many live pairs; and what it makes of 5,000 connections a second. `npm run bench:agent [-- --pairs N,N]`.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { eventually, takeLock } from '../helpers/kernel.js';
import type { Program } from '../helpers/program.js';
import { onGround, type Ground, type RealAgent } from '../helpers/real-agent.js';
import { buildDriver } from './build.js';

/** Of one process of the crowd: each connection is two descriptors, and 20,000 are a usual limit. */
const OF_ONE_PROCESS = 9000;
const FIRST_PORT = 7100;
/** From the last connection until nothing happens any more. */
const SETTLE_MS = 10_000;
const IDLE_MS = 20_000;
const SCRAPES = 10;
const TICKS_A_SECOND = 100;

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? NaN;

function cpuSeconds(pid: number): number {
  // After the name, which may have blanks in it, utime and stime are the 12th and 13th.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /, '').split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND;
}

const rssMiB = (pid: number): number => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;

const valueIn = (text: string, series: string): number => Number(text.split('\n').find((line) => line.startsWith(`${series} `))?.split(' ')[1]);

class Metrics {
  readonly #url: string;

  constructor(agent: RealAgent) {
    this.#url = /"url":"(http:[^"]+)"/.exec(agent.stderr)?.[1] ?? '';
  }

  async scrape(): Promise<{ ms: number; text: string }> {
    const began = performance.now();
    const text = await (await fetch(this.#url)).text();
    return { ms: performance.now() - began, text };
  }

  async value(series: string): Promise<number> {
    return valueIn((await this.scrape()).text, series);
  }

  /** What the loop made others wait since the last scrape, in ms. The samples are counted from one to the next, whose interval is their minimum. */
  async delays(): Promise<{ loopP99Ms: number; loopMaxMs: number }> {
    const { text } = await this.scrape();
    const beyond = (what: string): number => (valueIn(text, `nodejs_eventloop_lag_${what}_seconds`) - valueIn(text, 'nodejs_eventloop_lag_min_seconds')) * 1000;
    return { loopP99Ms: beyond('p99'), loopMaxMs: beyond('max') };
  }
}

async function crowd(ground: Ground, pairs: number): Promise<Program[]> {
  const driver = await buildDriver('crowd');
  const programs: Program[] = [];
  for (let left = pairs; left > 0; left -= OF_ONE_PROCESS) {
    const program = ground.command([driver, String(FIRST_PORT + programs.length), String(Math.min(left, OF_ONE_PROCESS))]);
    await program.next();
    programs.push(program);
  }
  return programs;
}

async function withPairs(pairs: number): Promise<object> {
  let figures = {};
  await onGround(async (ground) => {
    const agent = await ground.ready(['--set', `datapath.maxPairs=${Math.max(65_536, 2 ** Math.ceil(Math.log2(pairs + 1)))}`]);
    const pid = agent.child.pid ?? 0;
    const metrics = new Metrics(agent);
    const before = rssMiB(pid);
    const programs = await crowd(ground, pairs);
    const active = 'sidestep_active_pairs{state="active"}';
    await eventually(async () => {
      for (const program of programs) program.say();
      for (const program of programs) await program.next();
      const now = await metrics.value(active);
      return now >= pairs ? '' : `${now} of ${pairs} pairs are active`;
    }, 120_000);
    await sleep(SETTLE_MS);
    const [cpu, began] = [cpuSeconds(pid), performance.now()];
    await sleep(IDLE_MS);
    const idle = (cpuSeconds(pid) - cpu) / (performance.now() - began) * 1000;
    const scrapes: number[] = [];
    for (let turn = 0; turn < SCRAPES; turn++) scrapes.push((await metrics.scrape()).ms);
    figures = { pairs: await metrics.value(active), rssMiB: rssMiB(pid), rssBeforeMiB: before, idleShareOfACpu: idle, scrapeMs: median(scrapes) };
    await Promise.all(programs.map(async (program) => program.kill()));
  });
  return figures;
}

/** Connections in a row, as fast as one thread opens them, and what the agent makes of it. */
async function underConnections(): Promise<object> {
  let figures = {};
  await onGround(async (ground) => {
    const agent = await ground.ready();
    const pid = agent.child.pid ?? 0;
    const metrics = new Metrics(agent);
    const driver = await buildDriver('connect');
    await metrics.scrape(); // the lag is counted from one scrape to the next
    const [cpu, began] = [cpuSeconds(pid), performance.now()];
    const [result] = await ground.command([driver, '127.0.0.1', String(FIRST_PORT), '127.0.0.1', String(FIRST_PORT), '100000']).end();
    const seconds = (performance.now() - began) / 1000;
    figures = { connectionsASecond: 100_000 / seconds, shareOfACpu: (cpuSeconds(pid) - cpu) / seconds, ...await metrics.delays(), driver: result };
  });
  return figures;
}

const { values } = parseArgs({ options: { pairs: { type: 'string', default: '1000,10000,100000' } } });
const release = await takeLock();
try {
  const pairs: object[] = [];
  for (const count of values.pairs.split(',').map(Number)) pairs.push(await withPairs(count));
  process.stdout.write(`${JSON.stringify({ node: process.version, pairs, connections: await underConnections() }, undefined, 2)}\n`);
} finally {
  release();
}
