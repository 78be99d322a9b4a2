/** What other hosts should know: the listeners of this one, as they can reach them, with what its checks and commands say. Pure. */
import { isLoopback } from '../endpoints/sources/listeners.js';
import type { EndpointRecord, Health } from '../endpoints/types.js';
import type { Group } from './group.js';
import { recordOf, weightOf, type Member } from './members.js';

const healthOf = ({ checked }: Member): Health => (checked === undefined ? 'unknown' : checked ? 'healthy' : 'unhealthy');

function published(member: Member): EndpointRecord[] {
  const isOwn = [...member.told.values()].some(({ origin }) => origin === 'local');
  if (!isOwn || isLoopback(member.address)) return [];
  const record = recordOf(member);
  return [{ ...record, health: healthOf(member), weight: weightOf(member), draining: member.override.draining ?? record.draining }];
}

export const publishedBy = (groups: readonly Group[]): EndpointRecord[] => groups.flatMap((group) => [...group.members.values()].flatMap(published));
