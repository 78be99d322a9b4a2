/**
 * Listeners that share a port, as the agent sees them. Two implementations of the kernel side: native.ts (the addon) and
 * fake.ts (tests). No kernel address, no errno and no map name passes here.
 */
import type { ReuseportPolicy } from '../../config/types.js';

/** A socket with SO_REUSEPORT, as a walk over the namespaces finds it. */
export interface Sharer {
  /** The kernel's name of the socket for as long as it lives; decimal. */
  cookie: string;
  inode: string;
  /** cgroup v2 id, decimal. */
  cgroup: string;
  netns: number;
  family: 'ipv4' | 'ipv6';
  protocol: 'tcp' | 'udp';
  address: string;
  port: number;
  uid: number;
  /** The kernel's number of the group. */
  group: number;
  /** How many sockets the kernel counts in it. */
  socks: number;
  /** What waits in the queue, and how much it takes: connections, or bytes for UDP. */
  depth: number;
  room: number;
  /** How long the oldest connection has waited; 0 when none does, or nobody can tell. */
  waitedMs: number;
  /** The program that selects in this group now. */
  program?: { id: number; name: string; classic: boolean };
}

/** A descriptor of a process, and which socket it should be. */
export interface SocketRef {
  pid: number;
  fd: number;
  cookie: string;
}

export interface ListenerSetup {
  group: number;
  generation: number;
  weight: number;
  /** Where its process may run; empty: anywhere. */
  cpus: readonly number[];
}

export interface GroupSetup {
  policy: ReuseportPolicy;
  stuckMs: number;
  graceMs: number;
  busyMs: number;
  /** That of the listeners that take new connections. */
  generation: number;
  socks: number;
  /** The place of its counters. */
  index: number;
  slots: readonly number[];
}

/** Why a listener was passed over. */
export const SKIPS = ['busy', 'draining', 'new', 'stuck', 'full', 'gone'] as const;
export type Skip = (typeof SKIPS)[number];

/** Why a connection was left to the hash of the kernel. */
export const FALLBACKS = ['no_listener', 'refused'] as const;
export type Fallback = (typeof FALLBACKS)[number];

/** A listener that the chooser knows, and what it got. */
export interface Seat {
  slot: number;
  cookie: string;
  group: number;
  generation: number;
  /** Since it was first seen; -1: it was there before the chooser. */
  ageMs: number;
  selected: number;
  migrated: number;
  /** How long the head of its queue has been the same. */
  headMs: number;
  /** For how long nobody had waited for it or accepted, at the latest look; 0 for UDP. */
  workedMs: number;
  skipped: Record<Skip, number>;
}

export interface GroupTotals {
  id: number;
  index: number;
  generation: number;
  fallbacks: Record<Fallback, number>;
}

export interface Tables {
  listeners: Seat[];
  groups: GroupTotals[];
  unknown: number;
}

export interface ChooserInfo {
  programId: number;
  tag: string;
  /** The maps of an earlier agent were found and kept. */
  tookOver: boolean;
  /** Choosers of earlier agents, to be replaced where they are met. */
  oldPrograms: number[];
}

/** `gone`: the socket or its process went away meanwhile. */
export type Deed = 'done' | 'gone';

export interface Chooser {
  info(): ChooserInfo;
  walk(): Promise<Sharer[]>;
  attach(socket: SocketRef): Deed;
  detach(socket: SocketRef): Deed;
  enlist(slot: number, listener: ListenerSetup & { fresh: boolean }, socket: SocketRef): Deed;
  amend(slot: number, listener: ListenerSetup): void;
  release(slot: number): void;
  writeGroup(id: number, group: GroupSetup): void;
  removeGroup(id: number): void;
  tables(): Tables;
  onChange(listener: () => void): void;
  /** Idempotent. Groups keep the chooser until it is detached. */
  close(): void;
}

export interface Holder {
  inode: string;
  pid: number;
  fd: number;
}

/** What becomes of the connections of a listener that closes: do they move, is their new listener woken? */
export interface Migration {
  migrates: 'yes' | 'no' | 'unknown';
  wakes: 'yes' | 'no' | 'unknown';
  detail: string;
}

/** The host beside the chooser itself. */
export interface ReuseportHost {
  open(options: { pinPath: string; maxListeners: number; maxGroups: number; verifierLog: boolean }): Chooser;
  /** Whether an agent with these pins left choosers in groups. */
  leftovers(pinPath: string): boolean;
  holders(inodes: readonly string[]): Promise<Holder[]>;
  migrateSysctl(namespaces: readonly number[], value?: boolean): Promise<{ netns: number; on: boolean }[]>;
  probeMigration(): Promise<Migration>;
}
