/**
 * The typed face of the chooser of listeners, a part of the addon. Callers: agent/reuseport only.
 * Every call may throw an Error with the properties of NativeError; the code `listener_gone` is of a socket or process
 * that went away between a look and a deed.
 */
import { join } from 'node:path';
import { native as addon, packageRoot, type Answer } from './index.js';

export interface NativeReuseportOptions {
  objectPath: string;
  /** Names the agent: what one with the same path left behind is taken over. */
  pinPath: string;
  maxListeners: number;
  maxGroups: number;
  verifierLog: boolean;
}

/** A socket with SO_REUSEPORT. Numbers of 64 bits are decimal text. */
export interface NativeRow {
  cookie: string;
  inode: string;
  /** cgroup v2 id. */
  cgroup: string;
  netns: number;
  family: 'ipv4' | 'ipv6';
  protocol: 'tcp' | 'udp';
  address: string;
  port: number;
  uid: number;
  /** The kernel's number of the group; free for another group once the last socket has gone. */
  group: number;
  /** How many sockets the kernel counts in the group. */
  socks: number;
  /** Connections that wait, or bytes for UDP, and how much there is room for. */
  depth: number;
  room: number;
  /** How long the oldest connection has waited; 0 when none does, or nobody can tell. */
  waitedMs: number;
  /** What selects in this group now. */
  program?: { id: number; name: string; classic: boolean };
}

/** A descriptor of a process. It is duplicated, checked by its cookie, used, and closed, all in one call. */
export interface NativeSocket {
  pid: number;
  fd: number;
  cookie: string;
}

export interface NativeListener {
  group: number;
  generation: number;
  /** Of connections, relative to the others; at least 1. */
  weight: number;
  /** Where it may run; empty: anywhere. */
  cpus: readonly number[];
}

export interface NativeGroup {
  policy: string;
  /** 0: no listener counts as stuck. */
  stuckMs: number;
  graceMs: number;
  /** 0: no listener counts as busy. */
  busyMs: number;
  generation: number;
  socks: number;
  /** Below maxGroups; the place of its counters. */
  index: number;
  slots: readonly number[];
}

export interface NativeTables {
  listeners: {
    slot: number; cookie: string; group: number; generation: number;
    /** -1: it was there before the chooser. */
    ageMs: number;
    selected: number; migrated: number;
    /** How long the head of the queue has been the same; 0 for an empty queue. */
    headMs: number;
    /** For how long nobody had waited for it or accepted, at the latest look. */
    workedMs: number;
    skipped: Record<string, number>;
  }[];
  groups: { id: number; index: number; generation: number; fallbacks: Record<string, number> }[];
  /** Packets of groups that hold the chooser and were not described. */
  unknown: number;
}

export interface NativeReuseport {
  /** `oldPrograms`: choosers of agents before this one that are to be replaced where they are met. */
  info(): { programId: number; tag: string; tookOver: boolean; oldPrograms: number[] };
  /** Every namespace of the host. Also looks at each listener, so that a quiet one that is stuck is noticed. */
  walk(): Promise<NativeRow[]>;
  attach(socket: NativeSocket): void;
  detach(socket: NativeSocket): void;
  /** `fresh`: it gets nothing before the grace time of its group has passed. The latest walk must have seen it. */
  enlist(slot: number, listener: NativeListener & { fresh: boolean }, socket: NativeSocket): void;
  amend(slot: number, listener: NativeListener): void;
  release(slot: number): void;
  /** Replaces the description of a group as a whole. */
  writeGroup(id: number, group: NativeGroup): void;
  removeGroup(id: number): void;
  tables(): NativeTables;
  /** Called when a group has other listeners than were described. One listener; does not hold the process. */
  onChange(listener: () => void): void;
  /** Idempotent. Groups keep the chooser until it is detached. */
  close(): void;
}

interface NativeReuse {
  NativeReuseport: new (options: NativeReuseportOptions) => NativeReuseport;
  /** Ids of choosers that an agent with this pin path left in groups. */
  leftoverChoosers(pinPath: string): number[];
  socketHolders(inodes: readonly string[]): Promise<{ inode: string; pid: number; fd: number }[]>;
  /** net.ipv4.tcp_migrate_req of network namespaces; with `value` it is written first. */
  migrateSysctl(namespaces: readonly number[], value?: boolean): Promise<{ netns: number; on: boolean }[]>;
  /** Tried on throw-away sockets: do connections of a closing listener move, and is their new one woken? */
  probeMigration(): Promise<{ migrates: Answer; wakes: Answer; detail: string }>;
  /** The lists of reuseport_layout.h. */
  reusePolicies: string[];
  reuseFallbacks: string[];
  reuseClasses: string[];
}

export const native = addon as unknown as NativeReuse;

export const reuseportObjectPath = join(packageRoot(), 'bpf/build/sk_reuseport.bpf.o');
