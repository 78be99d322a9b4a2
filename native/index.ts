/**
 * The typed face of the addon and the only file that loads the binary. Callers: agent/datapath only.
 * Every call may throw an Error with the properties of NativeError.
 */
import { createRequire } from 'node:module';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What a failed call carries beside its message. `code` is from a closed list; agent/errors.ts explains each. */
export interface NativeError extends Error {
  code: string;
  operation: string;
  /** Likely cause, in words; '' when errno says nothing. */
  reason: string;
  remedy: string;
  /** Positive errno, 0 when the kernel was not asked. */
  errno: number;
  /** The verifier's words, when it had any. */
  log: string;
}

/** One selector; the terms that are there must all hold for an end. */
export interface NativeSelector {
  effect: 'exclude' | 'include' | 'trust' | 'blocking' | 'observe';
  /** Command name; the kernel knows its first 15 bytes. */
  program?: string;
  /** As stat(2) gives them. */
  exeInode?: bigint;
  exeDev?: bigint;
  /** Inode number of the directory of the cgroup; those below it match too. */
  cgroup?: bigint;
  portFirst?: number;
  portLast?: number;
  /** 16 bytes, IPv4 as v4-mapped, and how many bits of them count. */
  address?: Buffer;
  prefix?: number;
  uid?: number;
}

/** What makes a stream (no messages: nothing does), and a brief connection (no turns: none is). */
export interface NativePlacement {
  streamMessages: number;
  streamNs: number;
  streamBytes: number;
  stayMs: number;
  briefTurns: number;
  /** Of brief connections to a listener one in so many is followed; at least 1, which is all. */
  follow: number;
  /** After so long without a byte over TCP a message takes it; 0: never. */
  refreshMs: number;
}

export interface NativeOptions extends NativePlacement {
  objectPath: string;
  /** Directory of the cgroup (v2) to attach to. */
  cgroupPath: string;
  /** Directory on bpffs; made with mode 0700. */
  pinPath: string;
  /** Attach the one-queue program as well. */
  unified: boolean;
  enabled: boolean;
  observe: boolean;
  /** Enrol connections of a listener of which nothing was seen yet. */
  trustListeners: boolean;
  maxPairs: number;
  maxHalfOpen: number;
  maxListeners: number;
  maxEdges: number;
  /** Bytes. */
  queueBytes: number;
  /** Most redirected bytes that may wait at a reader in mode split; without it, what one usual read takes. */
  splitBytes?: number;
  /** Bytes, a power of two and a multiple of the page size. */
  eventBuffer: number;
  /** Announce opens and closes too. */
  tellAll: boolean;
  verifierLog: boolean;
  /** Time some messages from their redirect until they are read; only in mode unified. */
  queueWait: boolean;
  scope: NativeSelector[];
  windowMs: number;
  windowConnections: number;
  windowBytes: number;
}

/** An executable under a name. Numbers as stat(2) gives them, decimal; the change time in ns since the epoch. */
export interface NativeProgram {
  exeInode: string;
  exeDev: string;
  exeChanged: string;
  comm: string;
}

/** A process as the kernel names it; `id` is that of its workload. */
export interface NativeProcess extends NativeProgram {
  id: string;
  pid: number;
  cgroup: string;
}

/** What is known from before: clean as a client, clean as a server too, or a reason not to be served. */
export interface NativeRepute {
  client: boolean;
  server: boolean;
  /** Nothing is known, and it may splice. */
  wary: boolean;
  /** Name of a reason, or ''. */
  hazard: string;
}

/** One pass over the sockets of every network namespace. `left`: sockets still in the map. */
export interface NativeCensusPass {
  /** Sockets whose end nobody would have heard of, because another program took their callbacks. */
  deaf: number;
  /** Ends of which nobody had heard, and that were taken off. */
  gone: number;
}

export interface NativeRetirePass {
  removed: number;
  unread: number;
  sending: number;
  /** Sockets seen without their lock: this kernel cannot retire safely. */
  unlocked: number;
  /** Connections that were stuck for good and had to be reset. */
  reset: number;
  /** Sockets seen that carry a record of ours, enrolled or not. */
  tracked: number;
  /** Network namespaces that could not be entered. */
  unreachable: number;
  left: number;
}

/** What a search for open connections found. */
export interface NativeFindPass {
  /** Established sockets of the served cgroup that had no record. */
  sockets: number;
  /** Connections of which both ends were among them. */
  pairs: number;
  /** Those that have a record now; the others ended meanwhile, or there was no room. */
  tracked: number;
  /** Those of which this kernel gives no record (before Linux 6.12), or had no memory for one. */
  unable: number;
}

export interface NativeDatapath {
  info(): Record<string, unknown>;
  counters(): unknown;
  /** `most`: only those that have sent the most since the last call with a number. */
  pairs(most?: number): unknown[];
  /** Open pairs by what they have in common. */
  groups(): unknown[];
  edges(): unknown[];
  maps(): unknown[];
  profiles(): unknown[];
  /** Every process, or one. */
  processes(pid?: number): NativeProcess[];
  /** The row of its workload begins with this, or has it added. What was seen live stays. */
  seed(process: NativeProcess, habits: NativeRepute & { blocking: boolean; plain: boolean }): void;
  /** False if there is no such row. */
  forget(workload: string): boolean;
  /** What new workloads of this program begin with; null: nothing. */
  setRepute(program: NativeProgram, repute: NativeRepute | null): void;
  applyWindow(window: { windowMs: number; windowConnections: number; windowBytes: number }): void;
  /** Every pair is judged again before this returns. */
  applyPlacement(placement: NativePlacement): void;
  /** Whether opens and closes are announced too. */
  applyTelling(all: boolean): void;
  applySettings(settings: { enabled: boolean; observe: boolean; queueBytes: number }): void;
  /** At most 128, replaced as a whole; every pair is judged again before this returns. */
  applyScope(selectors: NativeSelector[]): void;
  /** One listener for each datapath. Does not hold the process. */
  onEvents(listener: (events: unknown[]) => void): void;
  /** Meet every socket that has a record, and end the records of those that two counts in a row did not meet. `number`: 1 to 65535, one more each time. */
  censusPass(number: number): Promise<NativeCensusPass>;
  /** Nothing: every pair; an id: that pair; 'leaving': pairs that must leave anyway. `tries`: how often what is not quiet is looked at. */
  retirePass(which?: string, tries?: number): Promise<NativeRetirePass>;
  /** See how accepted connections read, adopt what suits. Resolves to the number of pairs still undecided. */
  learnPass(): Promise<number>;
  /** Look at the streams on TCP. `streams`: those that still are; `back`: those that wait for a learn pass. */
  placePass(): Promise<{ streams: number; back: number }>;
  /** Learn whose the sockets are that listened before the programs came. Resolves to how many got a name. */
  adoptListeners(): Promise<number>;
  /** Find connections that were open before anybody watched, and begin to learn how their ends read. */
  findOpen(): Promise<NativeFindPass>;
  /** Take what can leave out of the maps of other layouts. `left`: sockets still in one. */
  drainPass(): Promise<{ removed: number; left: number; layouts: number }>;
  uninstall(): void;
  /** Idempotent. Pins stay. */
  close(): void;
}

export type Answer = 'yes' | 'no' | 'unknown';

export interface ProgramProbe {
  type: string;
  loads: Answer;
  attaches: Answer;
  detail: string;
  use: string;
}

export interface FeatureProbe {
  name: string;
  answer: Answer;
  since: string;
  detail: string;
}

export interface HookOwner {
  name: string;
  id: number;
  type: string;
  hook: string;
}

export interface Native {
  NativeDatapath: new (options: NativeOptions) => NativeDatapath;
  /**
   * Exclusive lock on a directory; returns the release function. Throws code `locked` with the holder's `pid`, and
   * `lock_moved` when the directory was removed meanwhile: make it and try again.
   */
  lockDirectory(path: string): () => void;
  /** One datagram to the socket of a service manager (NOTIFY_SOCKET). */
  notify(path: string, text: string): void;
  /** Programs of others on the hooks that Sidestep uses. */
  hookOwners(cgroupPath: string): HookOwner[];
  probePrograms(): ProgramProbe[];
  probeFeatures(): FeatureProbe[];
  /** May programs read kernel memory by plain loads? */
  probeCasts(): Answer;
  /** Names of the reasons, in the order of layout.h. */
  reasonNames: string[];
}

/** The directory that holds package.json. */
export function packageRoot(): string {
  const here = dirname(fileURLToPath(import.meta.url));
  for (let dir = here; dir !== dirname(dir); dir = dirname(dir)) {
    if (existsSync(join(dir, 'package.json'))) return dir;
  }
  throw new Error(`no package.json above ${here}: the installation is incomplete`);
}

export const native = createRequire(import.meta.url)(
  join(packageRoot(), 'native/build/Release/sidestep.node'),
) as Native;

/** The compiled programs, and the same for kernels that lack bpf_rdonly_cast: every read is a call there. */
export const objects = {
  casts: join(packageRoot(), 'bpf/build/sidestep.bpf.o'),
  probes: join(packageRoot(), 'bpf/build/sidestep-probe.bpf.o'),
} as const;

let object: string | undefined;

/** The programs that this kernel takes. What could not be tried is not remembered: loading will say why. */
export function objectPath(): string {
  if (object !== undefined) return object;
  const casts = native.probeCasts();
  const path = casts === 'no' ? objects.probes : objects.casts;
  if (casts !== 'unknown') object = path;
  return path;
}

/** The program that the self-test runs in a cgroup of its own. */
export const selfTestPath = join(packageRoot(), 'native/build/Release/sidestep-selftest');
