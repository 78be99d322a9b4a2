/** From sockets to groups, and what is to become of each. Pure. */
import type { Owner } from './owners.js';
import type { Settings } from './settings.js';
import type { ChooserInfo, Sharer } from './types.js';

/** Most listeners of one group; the kernel side has room for no more. */
export const MOST_LISTENERS = 256;

/** The closed list of answers to: why is this group not balanced? */
export const WHYS = {
  balanced: 'it is',
  disabled: 'reuseport.enabled is false',
  not_chosen: 'no selector of reuseport.include matches one of its listeners',
  excluded: 'a selector of reuseport.exclude matches one of its listeners',
  foreign: 'another program selects among its listeners',
  unreachable: 'the process of a listener was not found, so not every listener could be served',
  busy: 'the kernel refused a listener, which belongs to a socket map of somebody else',
  too_many: 'it, or the host, has more listeners or groups than there is room for',
} as const;

export type Why = keyof typeof WHYS;

export interface Group {
  readonly id: number;
  readonly first: Sharer;
  /** In the order of their cookies, which is that of their birth. */
  readonly sharers: readonly Sharer[];
}

export function groupsOf(sharers: readonly Sharer[]): Group[] {
  const byId = new Map<number, Sharer[]>();
  for (const sharer of sharers) {
    const group = byId.get(sharer.group);
    if (group) group.push(sharer);
    else byId.set(sharer.group, [sharer]);
  }
  return [...byId].map(([id, group]) => {
    group.sort((a, b) => (BigInt(a.cookie) < BigInt(b.cookie) ? -1 : 1));
    return { id, first: group[0] as Sharer, sharers: group };
  });
}

/** Whose chooser a group holds. */
export type Holds = 'none' | 'ours' | 'old' | 'foreign';

export function holdsOf({ first: { program } }: Group, { programId, oldPrograms }: ChooserInfo): Holds {
  if (!program) return 'none';
  if (program.id === programId) return 'ours';
  return oldPrograms.includes(program.id) ? 'old' : 'foreign';
}

export function decide(group: Group, holds: Holds, settings: Settings, ownerOf: (cookie: string) => Owner | undefined): Why {
  const owners = group.sharers.map(({ cookie }) => ownerOf(cookie));
  if (!settings.enabled) return 'disabled';
  if (group.sharers.some((sharer, index) => settings.excludes(sharer, owners[index]))) return 'excluded';
  if (!group.sharers.some((sharer, index) => settings.includes(sharer, owners[index]))) return 'not_chosen';
  if (holds === 'foreign') return 'foreign';
  return group.sharers.length > MOST_LISTENERS ? 'too_many' : 'balanced';
}
