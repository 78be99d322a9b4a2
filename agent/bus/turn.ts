/** Before the first word of an agent: whoever begins later has the later number, whatever the clocks say. */
import type { Log } from '../log.js';
import { decodeAlive } from './codec.js';
import { aliveKey } from './keys.js';
import type { OwnRecords } from './own.js';
import type { BusLink } from './types.js';

export async function takeTurn(link: BusLink, own: OwnRecords, cluster: string, log: Log): Promise<void> {
  const value = await link.read(aliveKey(cluster, own.host));
  const before = value && decodeAlive(value);
  if (!before || before.epoch < own.epoch) return;
  log.warn('an agent of this host was there with a later clock; its number is followed', { aheadMs: before.epoch - own.epoch });
  own.follow(before.epoch);
}
