/** Groups and listeners as a person, a script or a metric reads them. Pure. */
import type { ReuseportPolicy } from '../../config/types.js';
import type { Seen } from './balancer.js';
import { WHYS, type Why } from './groups.js';
import type { Owner } from './owners.js';
import type { Settings } from './settings.js';
import type { SysctlState } from './sysctl.js';
import { FALLBACKS, SKIPS, type Fallback, type Migration, type Seat, type Chooser, type Sharer, type Skip } from './types.js';

/** `unlisted`: the chooser does not know it, so the kernel's hash may serve it and we do not. */
export type ListenerState = 'ready' | Exclude<Skip, 'gone'> | 'unlisted';

export interface ListenerView {
  /** The kernel's name of the socket. */
  cookie: string;
  /** 0 when nobody could tell. */
  pid: number;
  comm: string;
  executable: string;
  cgroupPath: string;
  state: ListenerState;
  generation: number;
  weight: number;
  /** Connections, or datagrams, that it was given. */
  selected: number;
  /** Connections that came to it from a listener that closed. */
  migrated: number;
  skipped: Record<Skip, number>;
  /** Connections that wait, or bytes for UDP, and how much there is room for. */
  depth: number;
  room: number;
  /** How long the oldest one has waited. */
  waitedMs: number;
}

export interface GroupView {
  protocol: 'tcp' | 'udp';
  family: 'ipv4' | 'ipv6';
  address: string;
  port: number;
  netns: number;
  balanced: boolean;
  why: Why;
  because: string;
  /** What the kernel asks in this group, ours or not, as the latest look found it. */
  program: { id: number; name: string } | undefined;
  policy: ReuseportPolicy;
  generation: number;
  fallbacks: Record<Fallback, number>;
  listeners: ListenerView[];
}

export interface ReuseportView {
  enabled: boolean;
  /** Why the latest look failed; '' when it did not. */
  failure: string;
  chooser: { programId: number; tag: string; tookOver: boolean } | undefined;
  /** What this kernel does with connections of a listener that closes; undefined until it was tried. */
  migration: Migration | undefined;
  /** net.ipv4.tcp_migrate_req where there are groups; empty when nobody asked. */
  sysctl: readonly SysctlState[];
  groups: GroupView[];
}

const zero = <K extends string>(names: readonly K[]): Record<K, number> =>
  Object.fromEntries(names.map((name) => [name, 0])) as Record<K, number>;

const waitOf = ({ waitedMs, depth }: Sharer, seat: Seat): number => (depth === 0 ? 0 : waitedMs || seat.headMs);

/** As the chooser judges it. */
export function stateOf(sharer: Sharer, seat: Seat | undefined, generation: number, { stuckMs, graceMs, busyMsOf }: Settings): ListenerState {
  const busyMs = busyMsOf(sharer.protocol);
  if (!seat) return 'unlisted';
  const wait = waitOf(sharer, seat);
  if (sharer.depth > sharer.room) return 'full';
  if (stuckMs > 0 && wait > stuckMs) return 'stuck';
  if (seat.ageMs >= 0 && seat.ageMs < graceMs && !(seat.selected > 0 && wait === 0)) return 'new';
  if (seat.generation !== generation) return 'draining';
  return busyMs > 0 && seat.workedMs > busyMs ? 'busy' : 'ready';
}

export interface Reading {
  readonly settings: Settings;
  readonly failure: string;
  readonly migration: Migration | undefined;
  readonly chooser: Chooser | undefined;
  readonly seen: readonly Seen[];
  readonly ownerOf: (cookie: string) => Owner | undefined;
}

export function viewOf({ settings, failure, migration, chooser, seen, ownerOf }: Reading): ReuseportView {
  const tables = chooser?.tables() ?? { listeners: [], groups: [], unknown: 0 };
  const seats = new Map(tables.listeners.map((seat) => [`${seat.group} ${seat.cookie}`, seat]));
  const totals = new Map(tables.groups.map((group) => [group.id, group]));
  const info = chooser?.info();

  const listenerOf = (sharer: Sharer, generation: number): ListenerView => {
    const seat = seats.get(`${sharer.group} ${sharer.cookie}`);
    const owner = ownerOf(sharer.cookie);
    return {
      cookie: sharer.cookie,
      pid: owner?.pid ?? 0, comm: owner?.comm ?? '', executable: owner?.executable ?? '', cgroupPath: owner?.cgroupPath ?? '',
      state: stateOf(sharer, seat, generation, settings),
      generation: seat?.generation ?? generation, weight: settings.weightOf(sharer, owner),
      selected: seat?.selected ?? 0, migrated: seat?.migrated ?? 0, skipped: seat?.skipped ?? zero(SKIPS),
      depth: sharer.depth, room: sharer.room, waitedMs: sharer.waitedMs || (seat ? waitOf(sharer, seat) : 0),
    };
  };

  return {
    enabled: settings.enabled, failure, migration, sysctl: [],
    chooser: info && { programId: info.programId, tag: info.tag, tookOver: info.tookOver },
    groups: seen.map(({ group: { id, first, sharers }, why }): GroupView => {
      const total = why === 'balanced' ? totals.get(id) : undefined;
      const generation = total?.generation ?? 0;
      return {
        protocol: first.protocol, family: first.family, address: first.address, port: first.port, netns: first.netns,
        balanced: why === 'balanced', why, because: WHYS[why],
        program: first.program && { id: first.program.id, name: first.program.classic ? 'a classic filter' : first.program.name },
        policy: settings.policyOf(first.protocol), generation,
        fallbacks: total?.fallbacks ?? zero(FALLBACKS),
        listeners: sharers.map((sharer) => listenerOf(sharer, generation)),
      };
    }),
  };
}
