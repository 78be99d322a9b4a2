// SPDX-License-Identifier: Apache-2.0
/** How long clients wait by each policy when one of four endpoints is three times slower. In turns. */
import { fileURLToPath } from 'node:url';
import { listed, named, VIP, withMesh, type TestMesh } from '../helpers/mesh.js';
import { Program } from '../helpers/program.js';

const PROGRAM = fileURLToPath(new URL('../../../test/bench/queueing.py', import.meta.url));
const policies = ['random', 'least-connections', 'peak-ewma'] as const;
type Policy = (typeof policies)[number];

interface Waits { all: { count: number; p50: number; p99: number }; overdue: number; failed: number }

/** More than the slow one can serve of an equal share, less than all of them together can. */
const load = { port: 80, host: VIP, perSecond: 500, lightMs: 12, heavyMs: 12, heavyShare: 0, timeout: 10 };
const endpoints = named(4);

async function one(mesh: TestMesh, policy: Policy, seconds: number, seed: number): Promise<Waits & { toSlow: number }> {
  await mesh.serve({ policy, endpoints: listed(endpoints) });
  const before = mesh.load('127.0.1.1').total;
  const client = new Program(['/usr/bin/python3', PROGRAM, 'client', JSON.stringify({ ...load, seconds, seed })], { cgroup: mesh.cgroup, netns: mesh.netns });
  const waits = (await client.end())[0] as unknown as Waits;
  return { ...waits, toSlow: mesh.load('127.0.1.1').total - before };
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

export async function unequal(rounds: number, seconds: number): Promise<object> {
  const runs: Record<Policy, Awaited<ReturnType<typeof one>>[]> = { 'random': [], 'least-connections': [], 'peak-ewma': [] };
  await withMesh(async (mesh) => {
    const servers = await Promise.all(endpoints.map(async ({ host, port }, index) => {
      const options = { workers: 4, host, port, shared: true, factor: index === 0 ? 3 : 1 };
      const server = new Program(['/usr/bin/python3', PROGRAM, 'server', JSON.stringify(options)], { cgroup: mesh.cgroup, netns: mesh.netns });
      await server.next();
      return server;
    }));
    for (let turn = 0; turn < rounds; turn++)
      for (const policy of turn % 2 === 0 ? policies : [...policies].reverse()) runs[policy].push(await one(mesh, policy, seconds, turn));
    for (const server of servers) {
      server.say();
      await server.end();
    }
  });
  return { ...load, rounds, seconds, ...Object.fromEntries(policies.map((policy) => [policy, {
    p50Ms: median(runs[policy].map(({ all }) => all.p50)), p99Ms: median(runs[policy].map(({ all }) => all.p99)),
    shareOfSlow: Math.round(100 * runs[policy].reduce((sum, { toSlow }) => sum + toSlow, 0) / runs[policy].reduce((sum, { all }) => sum + all.count, 0)) / 100,
    failed: runs[policy].reduce((sum, { failed, overdue }) => sum + failed + overdue, 0),
  }])) };
}
