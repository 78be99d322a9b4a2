/**
 * The typed face of the front door, a part of the addon. Callers: agent/frontdoor only. Every call may throw an Error with the
 * properties of NativeError; the code `frontdoor_address` is of an address that cannot be listened on.
 */
import { native as addon } from './index.js';

export interface NativeNetwork {
  /** Sixteen bytes, IPv4 as v4-mapped, and how many bits of them count. */
  readonly address: readonly number[];
  readonly prefix: number;
}

/** Times are milliseconds. */
export interface NativeDoorSettings {
  /** Who may come; empty: everybody. Asked after `deny`. */
  readonly allow: readonly NativeNetwork[];
  readonly deny: readonly NativeNetwork[];
  readonly maxConnections: number;
  readonly connectTimeout: number;
  /** 0: never. */
  readonly idleTimeout: number;
  /** Each connection begins with a header of the PROXY protocol, version 1 or 2. */
  readonly acceptProxy: boolean;
  readonly sendProxy: 'off' | 'v1' | 'v2';
  /** What passes is read as requests and their answers, and counted. */
  readonly requests: 'off' | 'http1' | 'length';
  /** Of `length`: how many bytes of a message come before its length, and how many that has. */
  readonly lengthAt: number;
  readonly lengthBytes: number;
  readonly lengthOrder: 'big' | 'little';
  /** What it counts: what follows it, itself as well, or the whole message. */
  readonly lengthCounts: 'rest' | 'itself' | 'whole';
}

export interface NativeTarget {
  readonly address: string;
  readonly port: number;
  /** 0: no new connections. */
  readonly weight: number;
}

export interface NativeDoorBackend extends NativeTarget {
  readonly active: number;
  readonly total: number;
  /** To connect to it. */
  readonly failures: number;
  readonly failuresInRow: number;
}

export interface NativeDoorRow {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  /** False: it was shut, and has connections left. */
  readonly open: boolean;
  readonly active: number;
  readonly backends: readonly NativeDoorBackend[];
  /** Its sockets, while it is open. */
  readonly descriptors: readonly number[];
}

export interface NativeDoorRequests {
  /** By what became of them; the names are those of `doorNames.answers`. */
  readonly answers: Readonly<Record<string, number>>;
  /** From the end of a request to the begin of its answer: how many within each of `doorNames.waitBounds`, and beyond the last. */
  readonly waits: readonly number[];
  /** All of them together, in seconds. */
  readonly waited: number;
  /** Connections in which something else was met. */
  readonly unreadable: number;
}

/** Of all listeners that ever had this name. */
export interface NativeDoorTotals {
  readonly name: string;
  /** From clients to backends, and back. */
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Connections by how they ended; the names are those of `doorNames.outcomes`. */
  readonly outcomes: Readonly<Record<string, number>>;
  readonly requests: NativeDoorRequests;
}

export interface NativeFrontDoor {
  /**
   * Throws when the address is taken, and has then changed nothing. `descriptors`: sockets that listen there already, and that are
   * its own from now on; what is something else is left alone.
   */
  open(listener: { name: string; address: string; port: number; backends: readonly NativeTarget[]; descriptors: readonly number[] } & NativeDoorSettings): void;
  /** For connections that come from now on. */
  configure(listener: { name: string } & NativeDoorSettings): void;
  /** Replaces them as a whole; connections to others go on. */
  setBackends(change: { name: string; backends: readonly NativeTarget[] }): void;
  /** Takes what waits to be accepted, then frees the address. Open connections go on. */
  shut(which: { name: string }): void;
  /** Resets what is left of listeners that were shut; with the name '' of all of them. */
  cut(which: { name: string }): void;
  look(): { listeners: NativeDoorRow[]; totals: NativeDoorTotals[] };
  /** Resets what is left and ends the threads. Idempotent. */
  close(): void;
}

interface NativeDoors {
  /** A descriptor of this process for a listening socket of another one; needs the rights of a debugger over that one. */
  borrowListener(of: { pid: number; descriptor: number; address: string; port: number }): number;
  /** Its threads begin with the first listener. */
  NativeFrontDoor: new (options: { threads: number }) => NativeFrontDoor;
  /** The lists of listener.h and requests.h; bounds are microseconds. */
  doorNames: { outcomes: string[]; answers: string[]; waitBounds: number[] };
  /**
   * Begins this process again (execve) with these arguments and descriptors, and no capability but CAP_NET_BIND_SERVICE, and with no way to more
   * (PR_SET_NO_NEW_PRIVS). Returns when it has none to give up. CAP_DAC_READ_SEARCH stays when `script` cannot be read without it.
   */
  shedPrivileges(start: { program: string; script: string; args: string[]; descriptors: number[] }): void;
}

export const native = addon as unknown as NativeDoors;
