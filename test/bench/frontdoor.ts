// SPDX-License-Identifier: Apache-2.0
/**
 * The front door against HAProxy (mode tcp) and nginx (stream) on the same work, as JSON: a client on one host, a proxy and its
 * backend on another, each a network namespace. Ours runs in an agent, with the leg to the backend accelerated; theirs, and
 * the backends behind them, are served by nobody. In turns, fresh connections each. `npm run bench:frontdoor [-- --short]`.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findCgroup2 } from '../../agent/datapath/cgroup.js';
import { median } from '../../demo/statistics.js';
import { freshName, removeCgroup, takeLock } from '../helpers/kernel.js';
import { withPods, type Pods } from '../helpers/pods.js';
import { Program } from '../helpers/program.js';
import { Ground } from '../helpers/real-agent.js';
import { output } from './programs.js';

const short = process.argv.includes('--short');
const ROUNDS = short ? 2 : 7;
const SECONDS = short ? 1 : 3;
const LARGE_BYTES = 1 << 20;

/** Where each proxy listens, and the backend behind it. */
const ways = { door: { port: 8001, backend: 9001 }, haproxy: { port: 8002, backend: 9002 }, nginx: { port: 8003, backend: 9002 } } as const;
type Way = keyof typeof ways;
const WAYS = Object.keys(ways) as Way[];

interface Sample {
  perSecond: number;
  p50Us: number;
  p99Us: number;
  /** Of all CPUs of the machine, client and backend included, for each request. */
  cpuUs: number;
}

/** Time that the CPUs were not idle, in microseconds: what the kernel does for a proxy is in no process. */
function busyUs(): number {
  const [, user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = /^cpu .*$/m.exec(readFileSync('/proc/stat', 'utf8'))?.[0].split(/\s+/).map(Number) ?? [];
  return (user + nice + system + irq + softirq) * 10_000;
}

const units: Readonly<Record<string, number>> = { us: 1, ms: 1000, s: 1_000_000 };

function microseconds(text: string, percentile: string): number {
  const [, value, unit] = new RegExp(`${percentile}%\\s+([\\d.]+)(us|ms|s)`).exec(text) ?? [];
  return Number(value) * (units[unit ?? ''] ?? NaN);
}

async function sample(netns: string, host: string, way: Way, path: string, connections: number): Promise<Sample> {
  const before = busyUs();
  const text = await output(['wrk', '-t1', `-c${connections}`, `-d${SECONDS}s`, '--latency', `http://${host}:${ways[way].port}${path}`], { netns });
  const requests = Number(/(\d+) requests in/.exec(text)?.[1]);
  if (!(requests > 0) || /Non-2xx|Socket errors/.test(text)) throw new Error(`${way}: ${text}`);
  return { perSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(text)?.[1]), p50Us: microseconds(text, '50'), p99Us: microseconds(text, '99'), cpuUs: (busyUs() - before) / requests };
}

/** Ratios of ours to theirs, round by round. */
async function compare(netns: string, host: string, path: string, connections: number): Promise<object> {
  const samples: Record<Way, Sample[]> = { door: [], haproxy: [], nginx: [] };
  for (let round = 0; round < ROUNDS; round++)
    for (const way of round % 2 === 0 ? WAYS : [...WAYS].reverse()) samples[way].push(await sample(netns, host, way, path, connections));
  const middle = (way: Way): Sample => Object.fromEntries((['perSecond', 'p50Us', 'p99Us', 'cpuUs'] as const).map((field) => [field, median(samples[way].map((one) => one[field]))])) as unknown as Sample;
  const ratio = (way: Way, field: keyof Sample): { median: number; range: [number, number] } => {
    const ratios = samples.door.map((ours, round) => ours[field] / (samples[way][round]?.[field] ?? NaN));
    return { median: median(ratios), range: [Math.min(...ratios), Math.max(...ratios)] };
  };
  return { ...Object.fromEntries(WAYS.map((way) => [way, middle(way)])),
    toHaproxy: { perSecond: ratio('haproxy', 'perSecond'), cpuUs: ratio('haproxy', 'cpuUs') }, toNginx: { perSecond: ratio('nginx', 'perSecond'), cpuUs: ratio('nginx', 'cpuUs') } };
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
  return {
    backend: (port) => write(`backend-${port}`, `${main(`backend-${port}`)}http { access_log off; sendfile on; keepalive_requests 1000000; client_body_temp_path ${folder}/b; proxy_temp_path ${folder}/p; fastcgi_temp_path ${folder}/f; uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
  server { listen 127.0.0.1:${port}; location /small { return 200 "hello"; } location /large { root ${folder}/www; } } }\n`),
    haproxy: write('haproxy', `global\n  nbthread 1\ndefaults\n  mode tcp\n  timeout client 60s\n  timeout server 60s\n  timeout connect 5s\nlisten through\n  bind 0.0.0.0:${ways.haproxy.port}\n  server one 127.0.0.1:${ways.haproxy.backend}\n`),
    nginx: write('nginx', `${main('nginx')}stream { server { listen 0.0.0.0:${ways.nginx.port}; proxy_pass 127.0.0.1:${ways.nginx.backend}; } }\n`),
  };
}

async function onHosts({ a, b, b4 }: Pods, folder: string): Promise<object> {
  const ground = new Ground();
  const unserved = join(findCgroup2(), freshName());
  mkdirSync(unserved);
  const others: Program[] = [];
  try {
    ground.netns = b;
    const files = configurations(folder);
    ground.command(['nginx', '-c', files.backend(ways.door.backend)]);
    for (const command of [['nginx', '-c', files.backend(ways.haproxy.backend)], ['haproxy', '-db', '-f', files.haproxy], ['nginx', '-c', files.nginx]])
      others.push(new Program(command, { netns: b, cgroup: unserved }));
    const config = ground.config(JSON.stringify({ frontdoors: [{ name: 'door', port: ways.door.port, backends: [{ address: '127.0.0.1', port: ways.door.backend }] }], frontdoor: { threads: 1 } }));
    // The legs to the backend are the agent's own.
    const agent = ground.start([], config);
    writeFileSync(join(ground.cgroup, 'cgroup.procs'), String(agent.child.pid));
    await agent.says('ready');
    await sleep(1000);
    const small = await compare(a, b4, '/small', 32);
    const large = await compare(a, b4, '/large', 8);
    const { bytes } = ground.counters();
    return { small, large, bytesAroundTcp: bytes.redirected };
  } finally {
    // Workers of a server outlive it, and hold what it wrote to.
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
