// SPDX-License-Identifier: Apache-2.0
/**
 * The front door against HAProxy (mode tcp) and nginx (stream) on the same work, as JSON: a client on one host, a proxy and its
 * backend on another, each a network namespace. Ours runs in the process that an agent starts for it, with the leg to the backend accelerated; theirs, and
 * the backends behind them, are served by nobody. In turns, fresh connections each. `npm run bench:frontdoor [-- --short]`.
 *
 * `--splice [mode,...]` adds ways to join both sockets in the kernel (splice/), more loads, and what becomes of ends and bytes.
 * `--direct`: also a listener whose path is direct.
 * `--counting`: also a door that counts requests, against the one that does not.
 * `--loads name,...`: only these, without the rest.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { findCgroup2 } from '../../agent/datapath/cgroup.js';
import { median } from '../../demo/statistics.js';
import { freshName, removeCgroup, takeLock } from '../helpers/kernel.js';
import { withPods, type Pods } from '../helpers/pods.js';
import { Program, type Report } from '../helpers/program.js';
import { Ground } from '../helpers/real-agent.js';
import { HTTP_LOADS, KINDS, LARGE_BYTES, OTHER_LOADS, wrongBytes, type Load, type Sample } from './frontdoor-loads.js';
import { check, MODES, Splice, type Mode } from './splice.js';

const { values: flags, positionals } = parseArgs({ options: { short: { type: 'boolean' }, counting: { type: 'boolean' }, direct: { type: 'boolean' }, splice: { type: 'boolean' }, rounds: { type: 'string' }, loads: { type: 'string' } }, allowPositionals: true });
const ROUNDS = Number(flags.rounds ?? (flags.short ? 2 : 7));
const SECONDS = flags.short ? 1 : 3;
const modes: readonly Mode[] = flags.splice ? MODES.filter((mode) => positionals.length === 0 || positionals.join().split(',').includes(mode)) : [];

/** Where each proxy listens first, and the backends behind it; each kind of backend has its own port from there. */
type Way = 'door' | 'direct' | 'counting' | 'haproxy' | 'nginx' | Mode;
const ways = new Map<Way, { port: number; backend: number }>([
  ['door', { port: 8000, backend: 9000 }], ['haproxy', { port: 8010, backend: 9010 }], ['nginx', { port: 8020, backend: 9010 }], ...(flags.counting ? [['counting', { port: 8060, backend: 9000 }] as const] : []),
  ...(flags.direct ? [['direct', { port: 8070, backend: 9000 }] as const] : []),
  ...modes.map((mode, index) => [mode, { port: 8030 + 10 * index, backend: 9020 + 10 * index }] as const)]);
const portsOf = (way: Way): { port: number; backend: number } => ways.get(way) ?? { port: 0, backend: 0 };
const kinds = Object.values(KINDS);

/** Compared round by round, the first to the second. */
const PAIRS: readonly (readonly [Way, Way])[] = [['door', 'haproxy'], ['door', 'nginx'], ['counting', 'door'], ['direct', 'haproxy'], ['direct', 'nginx'], ['direct', 'door'], ...modes.flatMap((mode) => [[mode, 'door'], ...(mode === 'leg' ? [] : [[mode, 'leg']])] as [Way, Way][])];
const FIELDS = ['perSecond', 'p50Us', 'p99Us', 'cpuUs'] as const;

/** `wrong`: ways that did not bring the right bytes, and have no figure. */
async function compare(netns: string, host: string, load: Load, wrong: ReadonlySet<Way>): Promise<object> {
  const samples = new Map<Way, Sample[]>([...ways.keys()].map((way) => [way, []]));
  const failures: string[] = [];
  for (let round = 0; round < ROUNDS; round++)
    for (const way of round % 2 === 0 ? ways.keys() : [...ways.keys()].reverse()) {
      try {
        if (wrong.has(way)) throw new Error('it brings other bytes, or hangs');
        samples.get(way)?.push(await load(netns, host, portsOf(way).port, SECONDS));
      } catch (error) {
        // A way that the kernel may lose or stop bytes on; a proxy must not.
        if (!modes.some((mode) => mode === way)) throw error;
        failures.push(`${way}: ${error instanceof Error ? error.message.slice(-200) : String(error)}`);
        samples.get(way)?.push({ perSecond: NaN, p50Us: NaN, p99Us: NaN, cpuUs: NaN });
      }
    }
  const known = (numbers: readonly number[]): number[] => numbers.filter((number) => !Number.isNaN(number));
  const middleOf = (numbers: readonly number[]): number | undefined => (numbers.length === 0 ? undefined : median(numbers));
  const middle = (way: Way): object => Object.fromEntries(FIELDS.map((field) => [field, middleOf(known((samples.get(way) ?? []).map((one) => one[field])))]));
  const ratio = (way: Way, other: Way, field: keyof Sample): object | undefined => {
    const ratios = known((samples.get(way) ?? []).map((ours, round) => ours[field] / (samples.get(other)?.[round]?.[field] ?? NaN)));
    return ratios.length === 0 ? undefined : { median: median(ratios), range: [Math.min(...ratios), Math.max(...ratios)] };
  };
  return { ...Object.fromEntries([...ways.keys()].map((way) => [way, middle(way)])), ...(failures.length === 0 ? {} : { failures }),
    ratios: Object.fromEntries(PAIRS.filter((pair) => pair.every((way) => ways.has(way)))
      .map(([way, other]) => [`${way} to ${other}`, Object.fromEntries(FIELDS.map((field) => [field, ratio(way, other, field)]))])) };
}

function configurations(folder: string): { backend: (port: number) => string; haproxy: string; nginx: string } {
  const write = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  mkdirSync(join(folder, 'www'));
  writeFileSync(join(folder, 'www', 'large'), Buffer.alloc(LARGE_BYTES, 'x'));
  const main = (name: string): string => `load_module /usr/lib/nginx/modules/ngx_stream_module.so; user root; daemon off; worker_processes 1; pid ${folder}/${name}.pid; error_log ${folder}/${name}.log;
events { worker_connections 1024; }\n`;
  const through = kinds.map((kind) => [portsOf('haproxy').port + kind, portsOf('haproxy').backend + kind, portsOf('nginx').port + kind] as const);
  return {
    backend: (port) => write(`backend-${port}`, `${main(`backend-${port}`)}http { access_log off; sendfile on; keepalive_requests 1000000; client_body_temp_path ${folder}/b; proxy_temp_path ${folder}/p; fastcgi_temp_path ${folder}/f; uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
  server { listen 127.0.0.1:${port}; location /small { return 200 "hello"; } location /large { root ${folder}/www; } } }\n`),
    haproxy: write('haproxy', `global\n  nbthread 1\ndefaults\n  mode tcp\n  timeout client 60s\n  timeout server 60s\n  timeout connect 5s\n${
      through.map(([port, backend]) => `listen through-${port}\n  bind 0.0.0.0:${port}\n  server one 127.0.0.1:${backend}\n`).join('')}`),
    nginx: write('nginx', `${main('nginx')}stream { ${through.map(([, backend, port]) => `server { listen 0.0.0.0:${port}; proxy_pass 127.0.0.1:${backend}; }`).join('\n')} }\n`),
  };
}

/** What is behind a proxy: programs that answer from `backend` on. */
const backends = (config: string, backend: number): string[][] => [['nginx', '-c', config], ...(modes.length === 0 ? [] : [
  ['redis-server', '--save', '', '--appendonly', 'no', '--bind', '127.0.0.1', '--port', String(backend + KINDS.redis)],
  ['iperf3', '-s', '-B', '127.0.0.1', '-p', String(backend + KINDS.iperf)]])];

async function run(netns: string, host: string, splices: ReadonlyMap<Mode, Splice>): Promise<object> {
  const wrong = new Map<Way, string>();
  for (const way of ways.keys()) {
    const said = wrongBytes(netns, host, portsOf(way).port);
    if (said !== '') wrong.set(way, said);
  }
  const loads: Record<string, Load> = { ...HTTP_LOADS, ...(modes.length === 0 ? {} : OTHER_LOADS) };
  const figures: Record<string, object> = {}, aroundUserSpace: Record<string, Report> = {}, checks: Record<string, Report> = {};
  for (const [name, load] of Object.entries(loads).filter(([name]) => flags.loads?.split(',').includes(name) ?? true)) figures[name] = await compare(netns, host, load, new Set(name === 'large' ? wrong.keys() : []));
  for (const [mode, splice] of splices) {
    aroundUserSpace[mode] = await splice.bytes();
    if (flags.loads !== undefined) continue;
    await splice.answerChecks(portsOf(mode).backend + KINDS.checks);
    checks[mode] = await check(netns, host, portsOf(mode).port + KINDS.checks);
  }
  return { ...figures, ...(modes.length === 0 ? {} : { wrongBytes: Object.fromEntries(wrong), aroundUserSpace, checks }) };
}

async function onHosts({ a, b, b4 }: Pods, folder: string): Promise<object> {
  const ground = new Ground();
  const unserved = join(findCgroup2(), freshName());
  mkdirSync(unserved);
  const others: Program[] = [], splices = new Map<Mode, Splice>();
  try {
    ground.netns = b;
    const files = configurations(folder), door = portsOf('door');
    for (const command of backends(files.backend(door.backend), door.backend)) ground.command(command);
    for (const command of [...backends(files.backend(portsOf('haproxy').backend), portsOf('haproxy').backend), ['haproxy', '-db', '-f', files.haproxy], ['nginx', '-c', files.nginx]])
      others.push(new Program(command, { netns: b, cgroup: unserved }));
    for (const mode of modes) {
      const splice = new Splice(b), { port, backend } = portsOf(mode);
      splices.set(mode, splice);
      for (const command of backends(files.backend(backend), backend)) splice.command(command);
      await splice.start(mode, kinds.map((kind) => [port + kind, backend + kind] as const), folder);
    }
    const frontdoors = (['door', 'counting', 'direct'] as const).filter((way) => ways.has(way)).flatMap((way) => kinds.map((kind) => ({
      name: `${way}-${kind}`, port: portsOf(way).port + kind, requests: way === 'counting' ? 'http1' : 'off', path: way === 'direct' ? 'direct' : 'copy', backends: [{ address: '127.0.0.1', port: door.backend + kind }] })));
    const config = ground.config(JSON.stringify({ frontdoors, frontdoor: { threads: 1 } }));
    // The legs to the backend are those of the door process, which the agent starts where it is itself.
    const agent = ground.start([], config);
    writeFileSync(join(ground.cgroup, 'cgroup.procs'), String(agent.child.pid));
    await agent.says('ready');
    await sleep(1000);
    const figures = await run(a, b4, splices);
    const { bytes } = ground.counters();
    return { ...figures, bytesAroundTcp: bytes.redirected };
  } finally {
    // Workers of a server outlive it, and hold what it wrote to.
    for (const splice of splices.values()) await splice.clean();
    await removeCgroup(unserved);
    for (const program of others) await program.kill();
    await ground.clean();
  }
}

const release = await takeLock();
const folder = mkdtempSync(join(tmpdir(), 'sidestep-frontdoor-'));
let figures = {};
try {
  await withPods(async (pods) => { figures = await onHosts(pods, folder); });
} finally {
  rmSync(folder, { recursive: true, force: true });
  release();
}
process.stdout.write(`${JSON.stringify({ node: process.version, ...figures }, undefined, 2)}\n`);
