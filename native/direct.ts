/**
 * The typed face of the program that hands calls of the front door to the sockets of backends, a part of the addon. Callers:
 * agent/frontdoor only. Every call may throw an Error with the properties of NativeError.
 */
import { join } from 'node:path';
import type { NativeNetwork } from './frontdoor.js';
import { native as addon, packageRoot } from './index.js';

export interface NativeAddress {
  readonly address: string;
  readonly port: number;
}

export interface NativeDirectDoor extends NativeAddress {
  /** Which tally counts its calls: 0 to 255. */
  readonly tally: number;
  /** Who may call; empty: everybody. Asked after `deny`. */
  readonly allow: readonly NativeNetwork[];
  readonly deny: readonly NativeNetwork[];
  /** Keys of backends and their weights, 32 at most; none: what arrives here is left alone. */
  readonly slots: readonly { readonly key: number; readonly weight: number }[];
}

export interface NativeDirect {
  /**
   * Looks for the listening sockets of backends in the own network namespace, and keeps each that is found under its key. `why`: what
   * speaks against each; '' for one that is there. `others`: sockets that listen at one of these ports, at one address only.
   */
  find(what: { backends: readonly (NativeAddress & { key: number })[]; ports: readonly number[] }): Promise<{ why: string[]; others: NativeAddress[] }>;
  forget(which: { key: number }): void;
  /** Replaces all of them, each in one step. */
  setDoors(list: { doors: readonly NativeDirectDoor[] }): void;
  /** The names of `left` are those of direct_layout.h. */
  tally(which: { tally: number }): { given: number; left: Record<string, number> };
  resetTally(which: { tally: number }): void;
  /** Takes the program out of the network namespace. Idempotent. */
  close(): void;
}

interface NativeDirects {
  /** Loads the program and puts it into the network namespace of this process. */
  NativeDirect: new (options: { objectPath: string; verifierLog: boolean }) => NativeDirect;
}

export const native = addon as unknown as NativeDirects;

export const directObjectPath = join(packageRoot(), 'bpf/build/sk_lookup.bpf.o');
