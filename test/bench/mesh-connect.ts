// SPDX-License-Identifier: Apache-2.0
/**
 * What the programs add to a connect(): outside their cgroup, inside it to an address of nobody, and inside it to a
 * virtual address, in turns there and back.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { findCgroup2 } from '../../agent/datapath/cgroup.js';
import { listed, VIP, withMesh } from '../helpers/mesh.js';
import { buildDriver } from './build.js';

interface Run {
  readonly p50: number;
  readonly p99: number;
  readonly perSecond: number;
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
const round = (value: number, digits: number): number => Number(value.toFixed(digits));

const server = { host: '127.0.1.1', port: 8080 };
const cells = ['plain', 'attached', 'virtual'] as const;

export async function connectCost(rounds: number, count: number): Promise<object> {
  const driver = await buildDriver('connect');
  const runs: Record<(typeof cells)[number], Run[]> = { plain: [], attached: [], virtual: [] };
  await withMesh(async (mesh) => {
    await mesh.serve({ endpoints: listed([server]), policy: 'least-connections' });
    const run = async (cell: (typeof cells)[number]): Promise<void> => {
      const cgroup = cell === 'plain' ? findCgroup2() : mesh.cgroup;
      const [host, port] = cell === 'virtual' ? [VIP, 80] : [server.host, server.port];
      const words = [mesh.netns, cgroup, driver, server.host, server.port, host, port, count].map(String);
      const { stdout } = await promisify(execFile)('bash', ['-c', 'echo $$ > "$1/cgroup.procs" && shift 1 && exec nsenter --net=/run/netns/"$0" "$@"', ...words]);
      runs[cell].push(JSON.parse(stdout) as Run);
    };
    for (const cell of cells) await run(cell); // warm
    for (const cell of cells) runs[cell].length = 0;
    for (let turn = 0; turn < rounds; turn++) for (const cell of turn % 2 === 0 ? cells : [...cells].reverse()) await run(cell);
  });
  const against = (cell: 'attached' | 'virtual'): object => ({
    addedP50Ns: median(runs[cell].map(({ p50 }, turn) => p50 - (runs.plain[turn]?.p50 ?? 0))),
    rate: round(median(runs[cell].map(({ perSecond }, turn) => perSecond / (runs.plain[turn]?.perSecond ?? 1))), 3),
  });
  return {
    turns: rounds, connectionsInEach: count,
    plain: { p50Ns: median(runs.plain.map(({ p50 }) => p50)), perSecond: Math.round(median(runs.plain.map(({ perSecond }) => perSecond))) },
    attached: against('attached'), virtual: against('virtual'),
  };
}
