// SPDX-License-Identifier: Apache-2.0
/** A run for a person. */
import type { Run, Sample } from './record.js';

const MiB = 1024 * 1024;

function countBy<T>(items: readonly T[], key: (item: T) => string): [string, number][] {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(key(item), (counts.get(key(item)) ?? 0) + 1);
  return [...counts].sort(([a], [b]) => a.localeCompare(b));
}

const inWords = (counts: readonly [string, number][]): string => counts.map(([name, count]) => `${name} ${count}`).join(', ') || 'none';

function range(samples: readonly Sample[], field: keyof Sample, scale = 1): string {
  const values = samples.map((sample) => sample[field] / scale).filter((value) => value > 0);
  return values.length === 0 ? '-' : `${Math.round(Math.min(...values))} to ${Math.round(Math.max(...values))}, at the end ${Math.round((samples.at(-1)?.[field] ?? 0) / scale)}`;
}

export function report(run: Run): string[] {
  const { totals, seen, faults, samples } = run;
  const expected = seen.filter(({ because }) => because !== undefined);
  const longest = Math.max(0, ...faults.map(({ from, to }) => (to - from) / 1e9));
  return [
    `seed ${run.seed}, ${run.seconds} s`,
    `bytes compared     ${Math.round(totals.bytes / MiB)} MiB at both ends, on ${totals.opened} ends of connections; ${inWords(Object.entries(totals.done))}`,
    `redirected         ${Math.round(run.redirectedBytes / MiB)} MiB or more, on ${run.accelerated} connections`,
    `faults             ${faults.length}, the longest ${longest.toFixed(1)} s: ${inWords(countBy(faults, ({ kind }) => kind))}; the agent started ${run.agentStarts} times`,
    `ends without luck  ${seen.length}, of which ${expected.length} by processes that we killed: ${inWords(countBy(expected, ({ trouble }) => `${trouble.what} ${trouble.error}`.trim()))}`,
    `memory of agent    ${range(samples, 'agentRssKiB', 1024)} MiB`,
    `memory of maps     ${range(samples, 'mapsKiB')} KiB`,
    `memory of TCP      ${range(samples, 'tcpMemoryKiB')} KiB; slab that cannot be reclaimed ${range(samples, 'unreclaimableKiB', 1024)} MiB`,
    `in the kernel      programs ${range(samples, 'programs')}; maps ${range(samples, 'maps')}; links ${range(samples, 'links')}`,
  ];
}
