// SPDX-License-Identifier: Apache-2.0
/**
 * npm run endurance [-- --minutes N | --short] [--only KIND [--rounds N]] [--crowd | --churn] [--seed N] [--plain] [--out FILE] [--counts FILE]
 *
 * Traffic whose every byte is compared, under a real agent that is killed, stopped, retired and reconfigured at random
 * moments; with --only just by what has KIND in its name, N times; with --crowd on a thousand long connections and five hundred new ones a second; with --churn nothing happens but a thousand new connections a second, each accelerated; with --plain without an agent, to tell what plain TCP does. Ends with "N passed, N failed". Exit code 0 when every claim holds, 1 otherwise, 2 for bad usage.
 */
import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { bpfObjects } from '../helpers/bpf-objects.js';
import { kernelComplaints, leftovers, takeLock } from '../helpers/kernel.js';
import { withNetns, withPods, type Pods } from '../helpers/pods.js';
import { Ground } from '../helpers/real-agent.js';
import { buildOlder, buildTraffic } from './build.js';
import { AGENT_FAULTS, agentFaults, inflict, trafficFaults } from './faults.js';
import { Operator } from './operator.js';
import { Random } from './random.js';
import type { Run } from './record.js';
import { report } from './report.js';
import { Traffic } from './traffic.js';
import { judge } from './verdict.js';
import { Redirects, sample, watch } from './watch.js';

const SHORT_MINUTES = 1.5;
const FINISH_MS = 40_000;
const LONGEST_ORPHAN_MS = 150_000;
const TELL_MS = 10_000;
const BYTES_PER_SECOND = 120_000_000;
/** New connections a second. */
const CHURN = 1000;

function usage(words: string): never {
  console.error(`${words}\nusage: npm run endurance [-- --minutes N | --short] [--only KIND [--rounds N]] [--crowd | --churn] [--seed N] [--plain] [--out FILE]`);
  process.exit(2);
}

interface Options {
  readonly minutes: number;
  readonly short: boolean;
  readonly seed: number;
  readonly plain: boolean;
  readonly crowd: boolean;
  readonly churn: boolean;
  /** Of kinds of faults: all that have this in their name. '' for every kind, those of the traffic as well. */
  readonly only: string;
  readonly rounds: number;
  readonly out: string | undefined;
  readonly counts: string | undefined;
}

function options(): Options {
  const text = { type: 'string' } as const, flag = { type: 'boolean' } as const;
  try {
    const { values } = parseArgs({ options: { minutes: text, short: flag, only: text, rounds: text, crowd: flag, churn: flag, seed: text, plain: flag, out: text, counts: text } });
    const rounds = Number(values.rounds ?? Infinity);
    const minutes = values.short === true ? SHORT_MINUTES : Number(values.minutes ?? (rounds === Infinity ? 10 : 24 * 60));
    const seed = Number(values.seed ?? Math.floor(Math.random() * 1e9));
    if (!(minutes > 0 && minutes <= 24 * 60)) usage('--minutes takes a number from 0 to 1440');
    if (!Number.isInteger(seed) || seed < 0) usage('--seed takes a whole number');
    if (values.rounds !== undefined && !(Number.isInteger(rounds) && rounds > 0 && values.only !== undefined)) usage('--rounds takes a whole number, and goes with --only');
    if (values.churn === true && (values.crowd === true || values.only !== undefined || values.short === true)) usage('--churn goes with --minutes, --seed and --plain only');
    return { minutes, churn: values.churn === true, short: values.short === true, seed, rounds, only: values.only ?? '', plain: values.plain === true, crowd: values.crowd === true, out: values.out, counts: values.counts };
  } catch (error) {
    return usage((error as Error).message);
  }
}

/** One host with loopback only, over both protocols; and two pods, directly and through a service address. */
function populate(traffic: Traffic, program: string, cgroup: string, loopback: string, pods: Pods, { seed, crowd, churn }: Options): void {
  const usual = { connections: 24, chats: 4, bulks: 0, bytesPerSecond: BYTES_PER_SECOND, briefs: 0, seed };
  const load = crowd ? { ...usual, connections: 262, chats: 250, briefs: 125 } : churn ? { ...usual, connections: 4, briefs: CHURN / 4 } : usual;
  for (const [name, host, port] of [['loopback', '127.0.0.1', 7000], ['loopback6', '::1', 7001]] as const) {
    const place = { program, cgroup, netns: loopback };
    traffic.addClient(name, place, traffic.addServer(name, place, { host, port }), { host, port }, load);
  }
  const server = traffic.addServer('pod', { program, cgroup, netns: pods.b }, { host: '0.0.0.0', port: 8080 });
  traffic.addClient('pod', { program, cgroup, netns: pods.a }, server, { host: pods.b4, port: 8080 }, load);
  traffic.addClient('service', { program, cgroup, netns: pods.a }, server, pods.service, load);
}

async function tellNowAndThen(run: Run, traffic: Traffic, ended: AbortSignal): Promise<void> {
  while (!ended.aborted) {
    await sleep(TELL_MS, undefined, { signal: ended }).catch(() => undefined);
    const { bytes, opened } = traffic.totals();
    console.log(`  ${run.faults.length} faults, ${Math.round(bytes / 2 ** 20)} MiB compared, ${opened} ends, ${traffic.seen().filter(({ because }) => !because).length} unexplained; latest: ${run.faults.at(-1)?.kind ?? '-'}`);
  }
}

/**
 * Pairs that are there though every connection has ended. The kernel itself keeps an end whose other end went without a word, as
 * with its network namespace, until it has sent its FIN in vain for some two minutes.
 */
async function pairsLeft(operator: Operator): Promise<string[]> {
  const until = Date.now() + LONGEST_ORPHAN_MS;
  let left = await operator.pairs();
  while (left.length > 0 && Date.now() < until) {
    await sleep(1000);
    left = await operator.pairs();
  }
  return left.map(({ state, reason, ageMs, client, server, clientQueued, serverQueued }) =>
    `${state} (${reason}), ${client.address}:${client.port} (${client.comm}, netns ${client.netns}, unread ${clientQueued}) to ${server.address}:${server.port} (netns ${server.netns}, unread ${serverQueued}), ${Math.round(ageMs / 1000)} s old`);
}

async function endure(run: Run, ground: Ground, traffic: Traffic, program: string, older: string | undefined, { only, rounds, churn }: Options): Promise<void> {
  const random = new Random(run.seed);
  const operator = new Operator(ground);
  // Those that end after a few messages would begin on TCP, and leave no trace to look for.
  if (churn) operator.settings.brief = 0;
  const redirects = new Redirects();
  const ended = new AbortController();
  run.samples.push(await sample(operator));
  if (!run.plain) await operator.start('keep');
  await traffic.start();
  const watching = Promise.all([watch(operator, run.samples, redirects, ended.signal), tellNowAndThen(run, traffic, ended.signal)]);
  const until = Date.now() + run.seconds * 1000;
  const place = { program, cgroup: ground.cgroup };
  try {
    await Promise.all([
      run.plain || churn ? sleep(until - Date.now()) : inflict(agentFaults(operator, older).filter(({ kind }) => kind.includes(only)), random.child(), 1500, run.faults, until, rounds),
      only === '' && !churn ? inflict(trafficFaults(traffic, place), random.child(), 3000, run.faults, until) : undefined,
    ]);
    await traffic.stop(FINISH_MS);
  } finally {
    ended.abort();
    await watching;
    run.seen = traffic.seen();
    run.totals = traffic.totals();
    run.fallen = traffic.players.flatMap(({ fallen }) => fallen);
    Object.assign(run, { redirectedBytes: redirects.bytes, accelerated: redirects.accelerated, agentStarts: operator.starts });
  }
  if (run.plain) return;
  run.pairsLeft = await pairsLeft(operator);
  const complaint = await operator.stop();
  run.faults.push({ kind: 'the last stop', from: 0, to: 0, complaint });
  if (operator.settings.onExit === 'keep') {
    await operator.start('retire');
    await operator.stop();
  }
}

async function main(): Promise<number> {
  const chosen = options();
  const { minutes, seed, plain, out, counts } = chosen;
  const kinds = AGENT_FAULTS.filter((kind) => kind.includes(chosen.only));
  if (kinds.length === 0) usage(`--only: no fault has ${chosen.only} in its name; there are: ${AGENT_FAULTS.join(', ')}`);
  const program = buildTraffic();
  // Another build takes minutes, so the short form does without.
  const older = chosen.short || !kinds.includes('upgraded from another layout') ? undefined : buildOlder();
  const release = await takeLock();
  const run: Run = { seed, plain, churn: chosen.churn ? CHURN : 0, pairsLeft: [], seconds: minutes * 60, faults: [], seen: [], samples: [], totals: { bytes: 0, opened: 0, done: {} },
    redirectedBytes: 0, accelerated: 0, agentStarts: 0, fallen: [], kernelComplaints: [], left: [] };
  console.log(`endurance: ${chosen.rounds === Infinity ? `${minutes} minutes` : `${chosen.rounds} faults`}, seed ${seed}`);
  const complaints = kernelComplaints();
  const objects = bpfObjects();
  const ground = new Ground();
  let broken = '';
  try {
    const traffic = new Traffic();
    await withNetns((loopback) => withPods(async (pods) => {
      populate(traffic, program, ground.cgroup, loopback, pods, chosen);
      try {
        await endure(run, ground, traffic, program, older, chosen);
      } finally {
        for (const player of traffic.players) await player.kill();
      }
    }));
  } catch (error) {
    broken = (error as Error).message;
  }
  run.left = [...leftovers((pid) => pid === process.pid).filter((path) => path.startsWith('/sys/fs/bpf'))];
  await ground.clean();
  await sleep(1000);
  run.left.push(...[...bpfObjects()].filter((object) => !objects.has(object)), ...leftovers((pid) => pid === process.pid));
  run.kernelComplaints = kernelComplaints().filter((line) => !complaints.includes(line));
  run.samples.push(await sample(new Operator(ground)));
  release();
  for (const line of report(run)) console.log(line);
  const claims = [...judge(run), ...(broken === '' ? [] : [{ claim: 'the run came to its end', otherwise: broken }])];
  for (const { claim, otherwise } of claims) console.log(otherwise === '' ? `ok      ${claim}` : `FAILED  ${claim}: ${otherwise}`);
  const broke = claims.filter(({ otherwise }) => otherwise !== '').map(({ claim, otherwise }) => `${claim}: ${otherwise}`);
  const failed = broke.length;
  if (out !== undefined) writeFileSync(out, `${JSON.stringify({ apiVersion: 1, ...run, claims }, undefined, 2)}\n`);
  if (counts !== undefined) writeFileSync(counts, [`${claims.length - failed} ${failed}`, ...broke, ''].join('\n'));
  console.log(`${claims.length - failed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

process.exit(await main());
