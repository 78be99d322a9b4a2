/** Round trips of 64 bytes between two processes on one CPU, where time is work and not waiting. */
import { buildDriver } from '../test/bench/build.js';
import { measure, type Measurement } from './rounds.js';
import type { Stage } from './stage.js';
import { block, type Sample } from './statistics.js';

export interface Percentiles {
  readonly p50_us: number;
  readonly p90_us: number;
  readonly p99_us: number;
  readonly rounds: number;
}

export interface RoundTrips extends Sample, Measurement<Percentiles> {}

export async function runRoundTrips(stage: Stage, blocks: number, count: number): Promise<RoundTrips[]> {
  const driver = await buildDriver();
  const words = [
    driver, '--mode', 'rtt', '--size', '64', '--count', String(count), '--same-core', '--family', '4', '--nodelay', '--json',
  ];
  const samples: RoundTrips[] = [];
  for (let number = 0; number < blocks; number++) {
    for (const path of block) {
      const name = `round trips ${samples.length + 1} of ${blocks * block.length}, ${path}`;
      stage.progress.now(name);
      const measured = await measure(stage, path, (group) => stage.commands.run(group, words));
      const result = JSON.parse(measured.result) as Percentiles;
      samples.push({ block: number, path, ...measured, result });
      stage.progress.done(`${name}: p50 ${result.p50_us.toFixed(1)} us`);
    }
  }
  return samples;
}
