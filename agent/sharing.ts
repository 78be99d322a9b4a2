/** What this host has learned of programs, for the others on the bus, and the other way round. */
import type { Config } from '../config/types.js';
import { forgetMs } from './bus/bus.js';
import { BusProfiles } from './bus/profiles.js';
import type { Connect } from './bus/types.js';
import type { Guard } from './guard/guard.js';
import { ProfileSharing } from './guard/share.js';
import type { ProfileStore } from './guard/store.js';
import type { Log } from './log.js';

export interface Sharing {
  /** Why nothing is exchanged; '' when it is. */
  readonly problem: string;
  stop(): Promise<void>;
}

/** Undefined: there are no other hosts, or it is not wanted. */
export function shareProfiles(
  { guard: { share }, bus: { cluster } }: Pick<Config, 'guard' | 'bus'>, host: string, connect: Connect | undefined, memory: { guard: Guard; store: ProfileStore }, log: Log,
): Sharing | undefined {
  if (!share || !connect) return undefined;
  const bus = new BusProfiles(connect, { cluster, host, againMs: forgetMs / 3 }, log);
  const sharing = new ProfileSharing(memory.guard, memory.store, bus, { host, leaseMs: forgetMs }, log);
  bus.start();
  sharing.start();
  return {
    get problem() { return bus.problem; },
    async stop() {
      sharing.stop();
      await bus.stop();
    },
  };
}
