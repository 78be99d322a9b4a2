/** Who is checked by this host: what it owns, and what its configuration names. Other hosts check their own. Pure. */
import type { Origin } from '../endpoints/types.js';
import type { Group } from './group.js';
import type { Target } from './health.js';
import type { Member } from './members.js';

export interface Checked {
  readonly group: Group;
  readonly member: Member;
  /** Undefined: it is not checked (any more). */
  readonly target: Target | undefined;
}

const mine: readonly Origin[] = ['local', 'config'];

export const checkedOf = (groups: readonly Group[]): Checked[] => groups.flatMap((group) => {
  const { health } = group.service;
  return [...group.members.values()].map((member) => {
    const isMine = [...member.told.values()].some(({ origin }) => mine.includes(origin));
    const target = health !== null && isMine ? { id: `${String(group.number)} ${member.id}`, address: member.address, port: member.port, health } : undefined;
    return { group, member, target };
  });
});
