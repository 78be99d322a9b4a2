// SPDX-License-Identifier: Apache-2.0
/** One sample of work through a proxy, from a client in a network namespace of its own. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { output } from './programs.js';

export const LARGE_BYTES = 1 << 20;
/** What is behind a proxy: added to its first port, and to that of its backends. */
export const KINDS = { http: 0, redis: 1, iperf: 2, checks: 3 } as const;

export interface Sample {
  /** Requests; bits, of a stream. */
  perSecond: number;
  p50Us: number;
  p99Us: number;
  /** Of all CPUs of the machine, client and backend included, for each request; for each Mbit, of a stream. */
  cpuUs: number;
}

export type Load = (netns: string, host: string, port: number, seconds: number) => Promise<Sample>;

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

const http = (path: string, connections: number): Load => async (netns, host, port, seconds) => {
  const before = busyUs();
  const text = await output(['wrk', '-t1', `-c${connections}`, `-d${seconds}s`, '--latency', `http://${host}:${port + KINDS.http}${path}`], { netns });
  const requests = Number(/(\d+) requests in/.exec(text)?.[1]);
  if (!(requests > 0) || /Non-2xx|Socket errors/.test(text)) throw new Error(text);
  return { perSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(text)?.[1]), p50Us: microseconds(text, '50'), p99Us: microseconds(text, '99'), cpuUs: (busyUs() - before) / requests };
};

const redis = (connections: number, perSecond: number): Load => async (netns, host, port, seconds) => {
  const before = busyUs(), count = perSecond * seconds;
  const text = await output(['timeout', '30', 'redis-benchmark', '-h', host, '-p', String(port + KINDS.redis), '-c', String(connections), '-n', String(count), '-t', 'get', '--csv'], { netns });
  const [, rate, , , p50, , p99] = /^"GET".*$/m.exec(text)?.[0].replaceAll('"', '').split(',') ?? [];
  if (!(Number(rate) > 0)) throw new Error(text);
  return { perSecond: Number(rate), p50Us: Number(p50) * 1000, p99Us: Number(p99) * 1000, cpuUs: (busyUs() - before) / count };
};

const stream = (direction: readonly string[]): Load => async (netns, host, port, seconds) => {
  const before = busyUs();
  const text = await output(['timeout', String(seconds + 10), 'iperf3', '-c', host, '-p', String(port + KINDS.iperf), '-t', String(seconds), '-J', ...direction], { netns });
  const { bytes, bits_per_second: perSecond } = (JSON.parse(text) as { end: { sum_received: { bytes: number; bits_per_second: number } } }).end.sum_received;
  return { perSecond, p50Us: NaN, p99Us: NaN, cpuUs: (busyUs() - before) / (bytes * 8 / 1e6) };
};

export const HTTP_LOADS = { small: http('/small', 32), large: http('/large', 8) };
export const OTHER_LOADS = { redis1: redis(1, 10_000), redis50: redis(50, 25_000), streamIn: stream([]), streamOut: stream(['-R']) };

/** What is timed must be right: one connection, several answers. '' if it is. */
export function wrongBytes(netns: string, host: string, port: number): string {
  const url = `http://${host}:${port + KINDS.http}`;
  try {
    const got = execFileSync('nsenter', [`--net=/run/netns/${netns}`, 'curl', '-s', '--max-time', '10', ...['small', 'large', 'small', 'large', 'small'].map((path) => `${url}/${path}`)],
      { maxBuffer: 8 * LARGE_BYTES });
    const large = Buffer.alloc(LARGE_BYTES, 'x'), small = Buffer.from('hello');
    return got.equals(Buffer.concat([small, large, small, large, small])) ? '' : `${got.length} bytes, and not those`;
  } catch (error) {
    return error instanceof Error ? error.message.slice(0, 200) : String(error);
  }
}
