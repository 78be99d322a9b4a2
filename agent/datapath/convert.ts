/** Between the words of the agent and those of the addon. */
import type { NativePlacement, NativeSelector } from '../../native/index.js';
import { callName } from './calls.js';
import type { Pair, Placement, ReadSeen, ScopeRule } from './types.js';

export function nativeSelector({ effect, program, executable, cgroup, ports, network, user }: ScopeRule): NativeSelector {
  return {
    effect,
    ...(program !== undefined && { program }),
    ...(executable && { exeInode: executable.inode, exeDev: executable.device }),
    ...(cgroup !== undefined && { cgroup }),
    ...(ports && { portFirst: ports.first, portLast: ports.last }),
    ...(network && { address: Buffer.from(network.address), prefix: network.prefix }),
    ...(user !== undefined && { uid: user }),
  };
}

/** Without messages to wait for nothing is ever a stream, and without turns nothing brief. */
export function nativePlacement({ enabled, messages, rate, messageBytes, stay, brief, follow, refresh }: Placement): NativePlacement {
  return {
    streamMessages: enabled ? messages : 0, streamNs: Math.round((messages / rate) * 1e9),
    streamBytes: messageBytes, stayMs: stay, briefTurns: enabled ? brief : 0, follow, refreshMs: refresh,
  };
}

type Numbered = Omit<ReadSeen, 'call'> & { call: number };
type NativeRow = Omit<Pair, 'clientRead' | 'serverRead'> & { clientRead: Numbered | null; serverRead: Numbered | null };

const named = (read: Numbered | null): ReadSeen | null => read && { ...read, call: callName(read.call) };

/** The row of a pair, with the names of system calls for their numbers. */
export function readSeen(row: unknown): Pair {
  const pair = row as NativeRow;
  return { ...pair, clientRead: named(pair.clientRead), serverRead: named(pair.serverRead) };
}
