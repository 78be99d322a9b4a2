/**
 * The interface to the kernel as the rest of the agent sees it.
 * Two implementations: native.ts (the addon) and fake.ts (tests). No byte offset, no errno, no map name passes here.
 */
import type { ReasonName } from './reasons.js';

/** How enrolled sockets read: `unified` one queue (SK_MSG + SK_SKB), `split` SK_MSG only, `off` nothing is enrolled. */
export type ServingMode = 'unified' | 'split';
export type Mode = ServingMode | 'off';

export type PairState = 'half' | 'active' | 'leaving' | 'tcp';

/** One end of a connection between two local processes. */
export interface Endpoint {
  /** Printable address; IPv4 for v4-mapped. */
  address: string;
  port: number;
  family: 'ipv4' | 'ipv6';
  /** 0 when nobody could tell (yet). */
  pid: number;
  /** Command name; '' when nobody could tell (yet). */
  comm: string;
  uid: number;
  /** cgroup v2 id, decimal. */
  cgroup: string;
  /** Inode number of the network namespace. */
  netns: number;
  /** Socket inode number, decimal; '0' while the connection waits in the accept queue. */
  inode: string;
  /** A rule says that it is known to read plainly. */
  trusted: boolean;
  /** A rule accepts that it blocks. */
  lenient: boolean;
}

/** A read that the guard looked at: it looks until it has seen enough, and at every one that it cannot serve. */
export interface ReadSeen {
  /** Of the system call: `recvfrom`, `splice`. */
  call: string;
  times: number;
  msAgo: number;
  blocking: boolean;
  hazard: boolean;
}

/** Bytes and messages that one end sent. */
export interface Traffic {
  redirectedBytes: number;
  redirectedMessages: number;
  passedBytes: number;
  passedMessages: number;
}

export interface Pair {
  /** 16 hexadecimal digits: client ISN, server ISN. */
  id: string;
  state: PairState;
  /** `redirected` while accelerated; otherwise why not. */
  reason: ReasonName;
  client: Endpoint;
  server: Endpoint;
  /** What the client sent, and what the server sent. */
  clientSent: Traffic;
  serverSent: Traffic;
  /** Why the latest message of either end took TCP; `redirected` if none did. */
  lastPass: ReasonName;
  /** Unread bytes waiting at the client and at the server. */
  clientQueued: number;
  serverQueued: number;
  /** Milliseconds since the handshake. */
  ageMs: number;
  /** Where the client wanted to connect to, before any NAT. */
  dialledAddress: string;
  dialledPort: number;
  /** Index of the rule that decided whether it may be accelerated; -1: none did. */
  selector: number;
  /** The latest read of each end that the guard looked at; null: none. */
  clientRead: ReadSeen | null;
  serverRead: ReadSeen | null;
}

/** `observe`: count and learn from, enrol none. */
export type ScopeEffect = 'exclude' | 'include' | 'trust' | 'blocking' | 'observe';

/** A selector with the numbers that the kernel compares. All terms that are there must hold for an end. */
export interface ScopeRule {
  readonly effect: ScopeEffect;
  readonly program?: string;
  /** As stat(2) gives them. */
  readonly executable?: { readonly inode: bigint; readonly device: bigint };
  /** cgroup v2 id; those below it match too. */
  readonly cgroup?: bigint;
  readonly ports?: { readonly first: number; readonly last: number };
  /** Sixteen bytes, IPv4 as v4-mapped, and how many bits of them count. */
  readonly network?: { readonly address: readonly number[]; readonly prefix: number };
  readonly user?: number;
}

/** What the operator wants when a datapath is opened. */
export interface Standing {
  readonly enabled: boolean;
  readonly rules: readonly ScopeRule[];
}

/** Totals of a service edge: who talks to whom, closed and live connections together. Never falls. */
export interface Edge {
  client: string;
  server: string;
  port: number;
  clientSent: Traffic;
  serverSent: Traffic;
  connections: number;
  accelerated: number;
}

/** Open pairs that have all of this in common. What was sent by ends that have closed is in the totals of the kernel already. */
export interface PairGroup extends Edge {
  state: PairState;
  /** As that of a pair. */
  selector: number;
  clientCgroup: string;
  serverCgroup: string;
}

export type ByReason = Record<ReasonName, number>;

/** Kernel counters, summed over CPUs. Monotonic for as long as the pins live. */
export interface Counters {
  messages: ByReason;
  bytes: ByReason;
  connections: ByReason;
  tcpInMessages: number;
  tcpInBytes: number;
  /** Of them, those that had come before (TCP sent them again together with others) and were cut off. */
  tcpRepeatedBytes: number;
  eventsLost: number;
  /** Connections whose reader could never have read what waited, and that were reset. */
  resets: number;
  closedUnread: number;
  /** Pairs that left the map because they stream, and of them those that were sent back into it. */
  streamsLeft: number;
  streamsBack: number;
  /** How long redirected messages waited for an end of that kind to read them; null unless metrics.queueWait is on and the mode is unified. */
  queueWaits: Readonly<Record<'client' | 'server', Waits>> | null;
}

/** Times in buckets whose upper bounds are QUEUE_WAIT_BOUNDS, and one above them. */
export interface Waits {
  readonly buckets: readonly number[];
  readonly sumNs: number;
}

/** Seconds: from 512 ns on, twice as much in each. */
export const QUEUE_WAIT_BOUNDS: readonly number[] = Array.from({ length: 23 }, (_, index) => 2 ** (9 + index) / 1e9);

/** An executable file, as stat(2) gives it: decimal numbers. One that is changed in place is another one. */
export interface ExecutableFile {
  exeInode: string;
  exeDev: string;
  /** Its change time, nanoseconds since the epoch. */
  exeChanged: string;
}

/** A process, and the workload that it belongs to. */
export interface HostProcess extends ExecutableFile {
  /** Of its workload, 16 hexadecimal digits. */
  id: string;
  pid: number;
  comm: string;
  cgroup: string;
}

/** What was seen of a workload's reading: all hazards, and other reads while a connection was being learned. */
export interface Reads {
  plain: number;
  blocking: number;
  hazard: number;
  /** Connections that were seen to read plainly, and those of them at the server's end. */
  connections: number;
  accepted: number;
  /** Read plainly. */
  bytes: number;
  /** Since the first plain read. */
  forMs: number;
}

/** What the guard sees of a workload: an executable in a cgroup. */
export interface Profile extends ExecutableFile {
  /** 16 hexadecimal digits, made of executable and cgroup. */
  id: string;
  comm: string;
  /** Of the process that was seen last. */
  pid: number;
  cgroup: string;
  /** It was seen to read with recv and its kin from a non-blocking socket. */
  plain: boolean;
  /** It was seen to do so from a blocking one: its connections are judged one by one. */
  blocking: boolean;
  /** It was seen to read in a way that an enrolled socket cannot serve; '' if never. */
  hazard: ReasonName | '';
  /** It is known from before: a profile says that it reads plainly. */
  known: boolean;
  /** It has been seen to read plainly for as long as guard.window asks. */
  enough: boolean;
  reads: Reads;
  seenMsAgo: number;
}

/** What is known from before, of a workload or of all new workloads of a program. */
export interface Repute {
  /** It reads plainly what it connects, and what it accepts. */
  client: boolean;
  server: boolean;
  /** Its file names splice(2): it is watched for longer before it is believed. */
  wary: boolean;
  hazard: ReasonName | '';
}

export interface WorkloadRepute extends Repute {
  plain: boolean;
  blocking: boolean;
}

/** How much plain reading must have been seen before a workload is believed. */
export interface LearningWindow {
  time: number;
  connections: number;
  bytes: number;
}

/** What is better off on TCP: settings of `placement`. Sizes in bytes, `stay` in ms. */
export interface Placement {
  enabled: boolean;
  messages: number;
  /** Messages per second. */
  rate: number;
  messageBytes: number;
  stay: number;
  /** Messages of each end up to which a connection is not worth enrolling. */
  brief: number;
  /** Of brief connections to a listener one in so many is followed. */
  follow: number;
  /** After so long without a byte over TCP, in ms, a message takes it. */
  refresh: number;
}

export interface MapInfo {
  name: string;
  id: number;
  entries: number;
  capacity: number;
}

export interface ProgramInfo {
  name: string;
  id: number;
  /** Kernel's tag of the instructions, 16 hexadecimal digits. */
  tag: string;
  type: string;
  attachedTo: string;
}

export interface DatapathInfo {
  mode: Mode;
  /** Why this mode and no better one; '' when it is the best. */
  modeWhy: string;
  enabled: boolean;
  observe: boolean;
  queueBytes: number;
  cgroupPath: string;
  pinPath: string;
  layoutVersion: number;
  /** True when the programs of an earlier agent were found and kept. */
  tookOver: boolean;
  programs: ProgramInfo[];
}

export type EventType = 'open' | 'refused' | 'fallback' | 'close';

export interface ConnectionEvent {
  type: EventType;
  id: string;
  reason: ReasonName;
  /** Milliseconds since the epoch. */
  at: number;
  clientSent: Traffic;
  serverSent: Traffic;
}

export interface RetireProgress {
  /** Sockets taken out of the map so far. */
  removed: number;
  /** Sockets still in: bytes that the application has not read. */
  unread: number;
  /** Sockets still in: a send that began before is under way. */
  sending: number;
}

export interface RetireOptions {
  /** One pair; without it, every pair. */
  id?: string;
  /** Give up waiting after this many milliseconds. What is left keeps passing and is reported. */
  timeoutMs: number;
  onProgress?: (progress: RetireProgress) => void;
}

export interface RetireResult extends RetireProgress {
  /** Sockets that are still in the map: of the pair that was named, otherwise all of them. */
  left: number;
  done: boolean;
}

export interface Datapath {
  info(): DatapathInfo;
  counters(): Counters;
  /** All, in no order; or so many, those that have moved the most bytes since this was asked with a number. */
  pairs(most?: number): Pair[];
  /** The open pairs in far fewer rows: for whoever only counts or adds up. */
  groups(): PairGroup[];
  /** `open`: what groups() gave, by whoever has it anyway. */
  edges(open?: readonly PairGroup[]): Edge[];
  maps(): MapInfo[];
  profiles(): Profile[];
  /** Every process of the host, or the one with this number if it is there. */
  processes(pid?: number): HostProcess[];
  /** Adds what is known of its workload. Nothing that was seen live is taken back. */
  seed(process: HostProcess, repute: WorkloadRepute): void;
  /** What is known and was seen of a workload goes; it is learned anew. */
  forget(workload: string): void;
  /** What new workloads of this executable, under this name, begin with; undefined: nothing. */
  setRepute(program: ExecutableFile & { comm: string }, repute: Repute | undefined): void;
  setWindow(window: LearningWindow): void;
  setPlacement(placement: Placement): void;
  /**
   * A workload that had no row has connected or listened. Nothing is adopted before the listener has resolved, unless
   * that takes too long.
   */
  onWorkload(listener: (workload: string) => Promise<void>): void;
  /** Off enrols nothing and passes every message at once; pairs leave the map when drained, and come back with on. */
  setEnabled(on: boolean): void;
  /** Replaces all rules; every pair has been judged again when this returns. */
  applyScope(rules: readonly ScopeRule[]): void;
  setObserve(on: boolean): void;
  setQueueBytes(bytes: number): void;
  /** Whether opens and closes are events too: each wakes the agent. */
  setTellAll(on: boolean): void;
  onEvents(listener: (events: ConnectionEvent[]) => void): void;
  /** Drain and take out. Without `id` it also leaves the datapath disabled. */
  retire(options: RetireOptions): Promise<RetireResult>;
  /** Remove links, programs and pins from the host. Sockets still enrolled keep passing until they close. */
  uninstall(): void;
  /** Give back descriptors; the pinned datapath goes on. Idempotent. */
  close(): void;
}
