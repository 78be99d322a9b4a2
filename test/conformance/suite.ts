// SPDX-License-Identifier: Apache-2.0
/** What a suite is: programs that nobody here wrote, and what is looked at in what they do. */
import type { Place } from './place.js';

/** Check -> what came of it: pass, a hash, a count, an exit code. Never a time. */
export type Outcomes = ReadonlyMap<string, string>;

/** The least shares, 0 to 1, of what could be accelerated that must have been. Below, nothing was proven. */
export interface Floor {
  /** Of the connections between programs that neither block nor splice. */
  readonly connections: number;
  /** Of the bytes on those. */
  readonly bytes: number;
}

/**
 * Settings of an agent that enrols at the handshake, without having seen how the ends read. Connections that are over in
 * a moment are accelerated so or not at all.
 */
export const TRUSTED: readonly string[] = ['datapath.trustListeners=true'];

/** A difference that docs/limits.md states. */
export interface Known {
  readonly check: RegExp;
  readonly limit: string;
  /** It depends on who is first; without this it must show, and the day it does not it is to be taken off the page. */
  readonly sometimes?: true;
}

export interface Suite {
  readonly name: string;
  /** One line for people. */
  readonly about: string;
  readonly floor: Floor;
  /** Why the floor is below 60 %. */
  readonly why?: string;
  /** Settings of its agent, other than the defaults. */
  readonly settings?: readonly string[];
  /** What may, or must, differ. */
  readonly known?: readonly Known[];
  /** Tests that come with a program, and may fail on plain TCP too. Without it every check must be good. */
  readonly upstream?: true;
  /** Commands that must be in the path. */
  readonly needs: readonly string[];
  /** Once before the first run, outside of any place: what it makes is for both runs. */
  prepare?(dir: string): Promise<void>;
  run(place: Place): Promise<Outcomes>;
}
