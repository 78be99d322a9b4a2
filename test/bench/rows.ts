// SPDX-License-Identifier: Apache-2.0
/** What the suite measures: each row is one contender against one baseline, on one path, with one shape of traffic. */
import { hop, memcached, nginx, pgbench, redis } from './programs.js';
import type { Better } from './statistics.js';
import { withoutAgent, type Mode, type Stage } from './stage.js';

export interface Row {
  readonly id: string;
  readonly what: string;
  readonly unit: string;
  readonly better: Better;
  readonly baseline: Mode;
  readonly contender: Mode;
  /** The ratio that is aimed at. */
  readonly target?: number;
  readonly quick: boolean;
  /** Baseline and contender may run at the same time, in turns. */
  readonly turns: boolean;
  /** How many blocks a full run takes, where samples are long. */
  readonly blocks?: number;
  measure(stage: Stage, mode: Mode): Promise<number>;
}

type Core = 'same core' | 'two cores';
type Path = 'loopback' | 'pods' | 'service';

const short = (size: number): string => (size < 1024 ? `${size} B` : size < 2 ** 20 ? `${size / 1024} KiB` : '1 MiB');

interface About {
  readonly turns?: boolean;
  readonly target?: number;
  readonly quick?: boolean;
  readonly modes?: readonly (readonly [baseline: Mode, contender: Mode])[];
}

const usual = [['plain', 'auto']] as const;

function rows(name: string, what: string, unit: string, better: Better, about: About, measure: Row['measure']): Row[] {
  return (about.modes ?? usual).map(([baseline, contender]) => ({
    id: `${name}/${contender === baseline ? 'control' : contender}`, what, unit, better, baseline, contender, measure,
    quick: about.quick ?? false, turns: (about.turns ?? false) && ![baseline, contender].some(withoutAgent),
    ...(about.target !== undefined && (contender === 'auto' || contender === 'remote') && { target: about.target }),
  }));
}

function trip(size: number, path: Path, core: Core, about: About = {}, percentile: 'p50' | 'p99' = 'p50'): Row[] {
  const name = `trip-${size}-${path}${core === 'same core' ? '' : '-cross'}${percentile === 'p50' ? '' : '-p99'}`;
  return rows(name, `round trip ${short(size)}, ${path}, ${core}`, `us ${percentile}`, 'less', { turns: path !== 'service', ...about }, async (stage, mode) =>
    (await stage.flow(mode, path, core === 'same core', ['trip', '--size', String(size), '--nodelay']))[`${percentile}_us`] ?? NaN);
}

function stream(size: number, nodelay: boolean, path: Path, core: Core, about: About = {}): Row[] {
  const name = `stream-${size}${nodelay ? '-nodelay' : ''}-${path}${core === 'same core' ? '' : '-cross'}`;
  const what = `stream ${short(size)}, ${nodelay ? 'TCP_NODELAY' : 'Nagle'}, ${path}, ${core}`;
  return rows(name, what, 'Gbit/s', 'more', { turns: true, ...about }, async (stage, mode) =>
    (await stage.flow(mode, path, core === 'same core', ['stream', '--size', String(size), ...(nodelay ? ['--nodelay'] : [])])).gbit_s ?? NaN);
}

function fan(connections: number, size: number, about: About = {}): Row[] {
  return rows(`fan-${connections}-${size}`, `${connections} connections, ${short(size)} questions, loopback, same core`, 'answers/s', 'more', { turns: true, ...about },
    async (stage, mode) => (await stage.flow(mode, 'loopback', true,
      ['fan', '--size', String(size), '--connections', String(connections), '--nodelay'])).per_s ?? NaN);
}

/** Against one hop through a layer 4 proxy. */
function hops(proxy: 'haproxy' | 'nginx', name: string): Row[] {
  const modes = [[proxy, 'auto']] as const;
  return [
    ...rows(`hop-${proxy}`, `16 connections, 64 B: direct against one hop through ${name}`, 'answers/s', 'more', { target: 3.5, modes },
      (stage, mode) => hop(stage, mode, ['fan', '--size', '64', '--connections', '16', '--nodelay'], ({ per_s }) => per_s)),
    ...rows(`hop-${proxy}-p50`, `round trip 64 B: direct against one hop through ${name}`, 'us p50', 'less', { target: 0.3, modes },
      (stage, mode) => hop(stage, mode, ['trip', '--size', '64', '--nodelay'], ({ p50_us }) => p50_us)),
  ];
}

function connects(about: About, name = 'connect'): Row[] {
  return rows(name, 'connect, ask, be answered, close; same core', 'connections/s', 'more', { turns: true, ...about },
    async (stage, mode) => (await stage.flow(mode, 'loopback', true, ['connect', '--nodelay'])).per_s ?? NaN);
}

const SIZES = [16, 64, 256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576];
const QUICK_SIZES = [64, 1024, 16_384, 65_536];
const both = [['plain', 'auto'], ['plain', 'unix']] as const;
const remote = [['apart', 'remote']] as const;
const naive = [['plain', 'naive']] as const;

export const ROWS: readonly Row[] = [
  ...trip(64, 'loopback', 'same core', { quick: true, target: 0.62, modes: [['plain', 'plain'], ...both] }),
  ...stream(1024, true, 'loopback', 'same core', { quick: true, modes: [['plain', 'plain']] }),
  ...[1024, 16_384].flatMap((size) => trip(size, 'loopback', 'same core', { quick: true, modes: both })),
  ...[16, 256, 4096, 65_536, 262_144, 1_048_576].flatMap((size) => trip(size, 'loopback', 'same core', { target: 1 / 0.98 })),
  ...trip(64, 'pods', 'same core', { quick: true, target: 0.42 }),
  ...trip(64, 'service', 'same core', { quick: true, target: 0.45 }),
  ...trip(64, 'loopback', 'two cores', { quick: true }),
  ...trip(64, 'pods', 'two cores'),
  ...trip(64, 'loopback', 'same core', { modes: [['plain', 'plain'], ...both] }, 'p99'),
  ...(['pods', 'service'] as const).flatMap((path) => trip(64, path, 'same core', {}, 'p99')),
  ...SIZES.flatMap((size) => [false, true].flatMap((nodelay) =>
    stream(size, nodelay, 'loopback', 'same core', { quick: QUICK_SIZES.includes(size), target: 0.98, modes: [['plain', 'auto']] }))),
  ...SIZES.flatMap((size) => [false, true].flatMap((nodelay) => stream(size, nodelay, 'loopback', 'two cores', { target: 0.98 }))),
  ...QUICK_SIZES.flatMap((size) => [false, true].flatMap((nodelay) => stream(size, nodelay, 'pods', 'two cores', { target: 0.98 }))),
  ...fan(64, 64, { quick: true, modes: both }),
  ...[1, 8, 512].flatMap((connections) => fan(connections, 64)),
  ...fan(64, 1024),
  ...connects({ quick: true, target: 0.97, modes: [['absent', 'auto']] }),
  ...connects({ target: 0.97, modes: remote }),
  // Beside an agent, which costs both ends the watch of reads: less than the whole, and told more exactly.
  ...connects({ target: 0.97, modes: [['plain', 'plain'], ['plain', 'auto']] }, 'connect-beside'),
  ...trip(64, 'loopback', 'same core', { quick: true, target: 1 / 0.99, modes: remote }),
  ...stream(16_384, true, 'loopback', 'same core', { target: 0.99, modes: remote }),
  ...stream(64, true, 'loopback', 'same core', { target: 0.99, modes: remote }),
  ...rows('redis-get', 'redis-benchmark -c 50 -P 1, GET', 'requests/s', 'more', { quick: true, target: 1.45, modes: both }, (stage, mode) => redis(stage, mode, 'GET', 1)),
  ...rows('redis-set', 'redis-benchmark -c 50 -P 1, SET', 'requests/s', 'more', { target: 1.45, modes: both }, (stage, mode) => redis(stage, mode, 'SET', 1)),
  ...rows('redis-get-p16', 'redis-benchmark -c 50 -P 16, GET', 'requests/s', 'more', {}, (stage, mode) => redis(stage, mode, 'GET', 16)),
  ...rows('nginx', 'nginx keep-alive, 100 B, wrk -c 16', 'requests/s', 'more', { target: 1.5 }, nginx),
  ...rows('memcached', 'memcached, memcslap, gets of 32 B', 'gets/s', 'more', { target: 1.25 }, memcached),
  ...rows('pgbench', 'pgbench -S -c 1', 'transactions/s', 'more', { target: 1.12, modes: both }, pgbench),
  ...hops('haproxy', 'HAProxy, mode tcp'),
  ...hops('nginx', 'nginx, stream'),
  // What others did: the same shapes where everything is redirected.
  ...[64, 1024, 16_384].flatMap((size) => (['same core', 'two cores'] as const).flatMap((core) => stream(size, false, 'loopback', core, { modes: naive }))),
  ...trip(64, 'loopback', 'same core', { modes: naive }),
  ...connects({ modes: [['absent', 'naive']] }),
  ...rows('redis-get', 'redis-benchmark -c 50 -P 1, GET', 'requests/s', 'more', { modes: naive }, (stage, mode) => redis(stage, mode, 'GET', 1)),
  // What placement decides about: the same streams, kept in the map.
  ...(['same core', 'two cores'] as const).flatMap((core) => SIZES.flatMap((size) => [false, true].flatMap((nodelay) =>
    stream(size, nodelay, 'loopback', core, { modes: [['plain', 'on']] })))),
];

/** What is wrong with the list, for whoever adds to it; '' when nothing is. */
export function doubled(all: readonly Row[] = ROWS): string {
  const seen = new Set<string>();
  return all.find(({ id }) => seen.size === seen.add(id).size)?.id ?? '';
}
