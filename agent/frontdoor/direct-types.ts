/** The kernel side of direct calls as the rest of the front door sees it. Two implementations: native.ts (the addon) and fake.ts (tests). */
import type { Network } from '../../config/frontdoor-types.js';
import { OUTCOMES } from './types.js';

/** Why a call was left to the door, which copies. */
export const LEFT = {
  denied: OUTCOMES.denied,
  full: 'no backend that can be called directly had room for one more',
  gone: 'none of them listened any more',
  unfit: 'their sockets are of another kind than the call (IPv6 only)',
} as const;
export type Left = keyof typeof LEFT;
export const LEFT_NAMES = Object.keys(LEFT) as Left[];

export interface DirectTally {
  /** Calls that a backend got directly. */
  readonly given: number;
  readonly left: Readonly<Record<Left, number>>;
}

export interface Address {
  readonly address: string;
  readonly port: number;
}

/** Backends of one listener that are called directly, at most. */
export const MOST_SLOTS = 32;

export interface DirectDoor extends Address {
  /** Which tally counts its calls; below MOST_DOORS. */
  readonly tally: number;
  readonly allow: readonly Network[];
  readonly deny: readonly Network[];
  /** Keys of backends and their weights; none: what arrives here is none of ours. */
  readonly slots: readonly { readonly key: number; readonly weight: number }[];
}

export interface DirectKernel {
  /**
   * Looks for the sockets of backends. `why`: what speaks against calling each directly, in their order; '' for nothing. `others`: at
   * these ports, sockets of this host that listen at one address only.
   */
  find(backends: readonly (Address & { readonly key: number })[], ports: readonly number[]): Promise<{ readonly why: readonly string[]; readonly others: readonly Address[] }>;
  forget(key: number): void;
  /** Replaces all of them, each in one step. */
  setDoors(doors: readonly DirectDoor[]): void;
  tally(index: number): DirectTally;
  resetTally(index: number): void;
  /** Calls arrive at the sockets of the door again; those that were given go on. */
  close(): void;
}

/** What is known of one backend of a listener. */
export interface DirectBackend extends Address {
  /** Why it is not called directly; '' when it is. */
  readonly because: string;
}

/** Of a listener whose path is direct. */
export interface DirectView extends DirectTally {
  readonly backends: readonly DirectBackend[];
}
