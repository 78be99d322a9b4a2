/** What an agent that is not there any more left in groups of listeners, taken away without starting one. */
import type { Config } from '../../config/types.js';
import type { Log } from '../log.js';
import { Reuseport } from './reuseport.js';
import type { ReuseportHost } from './types.js';

export async function takeChoosersAway(config: Config, host: ReuseportHost, cgroupRoot: string, log: Log): Promise<void> {
  const off = { ...config, reuseport: { ...config.reuseport, enabled: false } };
  const reuseport = new Reuseport(off, host, cgroupRoot, log);
  await reuseport.start();
  await reuseport.stop(false);
}
