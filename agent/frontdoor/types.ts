/**
 * The front door as the rest of the agent sees it: Doors, a process of its own (client.ts), or one in memory (fake.ts, for tests).
 * Within that process it is DoorThreads, the addon (native.ts). No socket and no errno passes here.
 */
import type { FrontDoorConfig } from '../../config/frontdoor-types.js';
import type { DirectKernel } from './direct-types.js';

/** How a connection ended. */
export const OUTCOMES = {
  closed: 'both ends had finished',
  client_reset: 'the client reset it, or was lost',
  backend_reset: 'the backend reset it, or was lost',
  idle: 'nothing moved for idleTimeout',
  drained: 'the listener was taken away and drainTimeout had passed',
  client_left: 'the client left before there was a backend',
  no_backend: 'there was no backend',
  connect_failed: 'no backend that was tried answered',
  bad_header: 'no header of the PROXY protocol came',
  denied: 'the client is in deny, or not in allow',
  over_limit: 'there were maxConnections already',
  no_descriptors: 'the door process had no file descriptors left, or no memory to watch one more',
} as const;
export type Outcome = keyof typeof OUTCOMES;
export const OUTCOME_NAMES = Object.keys(OUTCOMES) as Outcome[];

/** What became of a request; those of `length` are `answered` or not. */
export const ANSWERS = ['2xx', '3xx', '4xx', '5xx', 'upgraded', 'answered', 'unanswered'] as const;
export type Answer = (typeof ANSWERS)[number];

/** Upper bounds of `waits` but the last, in seconds. */
export const WAIT_BOUNDS = [
  0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
] as const;

export interface RequestCounts {
  readonly answers: Readonly<Record<Answer, number>>;
  /** From the end of a request to the begin of its answer, by WAIT_BOUNDS. */
  readonly waits: readonly number[];
  /** All of them together, in seconds. */
  readonly waited: number;
  /** Connections in which something else was met. */
  readonly unreadable: number;
}

export interface Target {
  readonly address: string;
  readonly port: number;
  /** 0: no new connections. */
  readonly weight: number;
}

export interface BackendRow extends Target {
  readonly active: number;
  readonly total: number;
  /** Attempts to connect that failed, and how many of them one after the other. */
  readonly failures: number;
  readonly failuresInRow: number;
}

export interface DoorRow {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  /** False: it takes no more connections, and has some left. */
  readonly open: boolean;
  readonly active: number;
  readonly backends: readonly BackendRow[];
  /** The numbers of its sockets in the door process, while it is open. */
  readonly descriptors: readonly number[];
}

/** Of all listeners that ever had this name. */
export interface DoorTotals {
  readonly name: string;
  /** From clients to backends, and back. */
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly outcomes: Readonly<Record<Outcome, number>>;
  readonly requests: RequestCounts;
}

export interface DoorLook {
  readonly listeners: readonly DoorRow[];
  readonly totals: readonly DoorTotals[];
}

/** The door within one process. */
export interface DoorThreads {
  /** Throws when the address cannot be listened on, and has then changed nothing. `descriptors`: sockets that listen there already. */
  open(door: FrontDoorConfig, backends: readonly Target[], descriptors?: readonly number[]): void;
  /** For connections that come from now on. */
  configure(door: FrontDoorConfig): void;
  setBackends(name: string, backends: readonly Target[]): void;
  /** No more connections; those that are open go on. */
  shut(name: string): void;
  /** Resets what is left of listeners that were shut; of all of them without a name. */
  cut(name?: string): void;
  look(): DoorLook;
  close(): void;
}

export interface DoorIdentity {
  readonly pid: number;
  readonly version: string;
}

/** A door process that goes on without an agent, and can be asked to go. */
export interface RunningDoor {
  readonly identity: DoorIdentity;
  look(): Promise<DoorLook>;
  /**
   * No more connections; resolves, to the number of those that it reset, when the last has ended or this time has passed. Without a
   * time, the longest drainTimeout of its listeners.
   */
  leave(withinMs?: number): Promise<number>;
  /** Lets it go on. */
  release(): void;
}

/** The door process of this agent. Each call rejects when the process has gone or does not answer. */
export interface Doors extends RunningDoor {
  /** Resolves when it has gone. */
  readonly gone: Promise<void>;
  open(door: FrontDoorConfig, backends: readonly Target[]): Promise<void>;
  configure(door: FrontDoorConfig): Promise<void>;
  setBackends(name: string, backends: readonly Target[]): Promise<void>;
  /** What is left after the drainTimeout that it was told last is reset, also when the agent has ended meanwhile. */
  shut(name: string): Promise<void>;
}

export type Place = Pick<FrontDoorConfig, 'name' | 'address' | 'port'>;

export interface FoundDoors {
  /** Of this version and with so many threads. */
  readonly fitting: Doors | undefined;
  readonly others: readonly RunningDoor[];
}

export interface DoorHost {
  /** Puts the program of direct calls into the network namespace of the agent. */
  direct(): Promise<DirectKernel>;
  find(threads: number): Promise<FoundDoors>;
  /** `before`: doors whose sockets at these places the new one is to listen on too, where it can, so that none is closed when they go. */
  start(threads: number, before: readonly RunningDoor[], wanted: readonly Place[]): Promise<Doors>;
}
