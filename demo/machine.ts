/** What the figures were measured on. */
import { readFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { version } from '../agent/version.js';
import type { Stage } from './stage.js';

export interface Machine {
  readonly sidestep: string;
  readonly kernel: string;
  readonly cpu: string;
  readonly cpus: number;
  readonly node: string;
  readonly redis: string;
  /** The sum of load of everything on the host, before the first round: 1 minute, 5, 15. */
  readonly load: string;
}

export async function describeMachine({ commands, ground }: Stage): Promise<Machine> {
  const said = await commands.run(ground.plain, ['redis-server', '--version']);
  return {
    sidestep: version,
    kernel: release(),
    cpu: cpus()[0]?.model ?? 'unknown',
    cpus: cpus().length,
    node: process.versions.node,
    redis: /v=(\S+)/.exec(said)?.[1] ?? 'unknown',
    load: readFileSync('/proc/loadavg', 'utf8').split(' ').slice(0, 3).join(' '),
  };
}
