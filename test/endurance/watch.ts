// SPDX-License-Identifier: Apache-2.0
/** Looks at the machine now and then: memory of the agent and of the kernel, programs, maps, links. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Operator } from './operator.js';
import { now, type Sample } from './record.js';

interface Row { id: number; bytes_memlock?: number }

/** bpftool fails for an object that goes, or is only just coming, but has told of the others by then. */
async function rows(kind: 'prog' | 'map' | 'link'): Promise<Row[]> {
  const { stdout } = await promisify(execFile)('bpftool', ['-j', kind, 'show']).catch((error: unknown) => error as { stdout: string });
  return (JSON.parse(stdout) as Row[]).filter((row) => 'id' in row);
}

const field = (file: string, pattern: RegExp): number => Number(pattern.exec(readFileSync(file, 'utf8'))?.[1] ?? 0);

/** Everything on the machine, also what is not ours: only growth means anything. */
export async function sample(operator: Operator): Promise<Sample> {
  const [programs, maps, links] = await Promise.all([rows('prog'), rows('map'), rows('link')]);
  return {
    at: now(),
    agentRssKiB: operator.rssKiB(),
    programs: programs.length,
    maps: maps.length,
    links: links.length,
    mapsKiB: maps.reduce((sum, { bytes_memlock = 0 }) => sum + bytes_memlock, 0) / 1024,
    tcpMemoryKiB: field('/proc/net/sockstat', /TCP:.* mem (\d+)/) * 4,
    unreclaimableKiB: field('/proc/meminfo', /SUnreclaim:\s+(\d+)/),
  };
}

/** Adds up what was redirected, though the counters begin anew whenever the datapath was retired. */
export class Redirects {
  bytes = 0;
  accelerated = 0;
  #latest = { bytes: 0, accelerated: 0 };

  async look(operator: Operator): Promise<void> {
    const answer = await operator.counters().catch(() => undefined);
    if (!answer) return; // the agent is away; the next look counts for this one too
    const seen = { bytes: answer.counters.bytes.redirected, accelerated: answer.counters.connections.redirected };
    const anew = seen.bytes < this.#latest.bytes || seen.accelerated < this.#latest.accelerated;
    const from = anew ? { bytes: 0, accelerated: 0 } : this.#latest;
    this.bytes += seen.bytes - from.bytes;
    this.accelerated += seen.accelerated - from.accelerated;
    this.#latest = seen;
  }
}

export async function watch(operator: Operator, samples: Sample[], redirects: Redirects, ended: AbortSignal): Promise<void> {
  while (!ended.aborted) {
    await redirects.look(operator);
    samples.push(await sample(operator));
    await sleep(1000);
  }
}
