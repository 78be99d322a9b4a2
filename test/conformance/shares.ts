// SPDX-License-Identifier: Apache-2.0
/** How much of what could be accelerated was: from the agent's counters and from what it logs of each connection. */
import type { ReasonName } from '../../agent/datapath/reasons.js';
import type { Counters } from '../../agent/datapath/types.js';
import type { Floor } from './suite.js';

/** What the contract leaves on TCP: how the program reads, or what it asked of its socket. All else could be accelerated. */
const NOT_ELIGIBLE: ReadonlySet<string> = new Set<ReasonName>([
  'blocking', 'splice', 'remote', 'mptcp', 'fast_open', 'ulp', 'no_file', 'socket_option',
]);

/** A connection as the agent logs its end. */
export interface Closed {
  readonly reason: string;
  readonly redirectedBytes: number;
  readonly passedBytes: number;
}

export interface Shares {
  readonly connections: { seen: number; eligible: number; accelerated: number };
  /** How many of each reason; accelerated ones are `redirected`. */
  readonly reasons: Readonly<Record<string, number>>;
  readonly bytes: { seen: number; eligible: number; redirected: number };
  /** Accelerated of eligible, redirected of eligible; 0 to 1. */
  readonly share: Floor;
  /** Connections that the agent reset, and those whose end it could not log. */
  readonly resets: number;
  readonly lost: number;
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const ratio = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole);

export function closedIn(log: string): Closed[] {
  return log.split('\n').filter((line) => line.includes('"msg":"pair closed"')).map((line) => JSON.parse(line) as Closed);
}

export function sharesOf(counters: Counters, closed: readonly Closed[]): Shares {
  const reasons = Object.fromEntries(Object.entries(counters.connections).filter(([, count]) => count > 0));
  const eligible = sum(Object.entries(reasons).filter(([reason]) => !NOT_ELIGIBLE.has(reason)).map(([, count]) => count));
  const accelerated = counters.connections.redirected;
  // One that was accelerated, and found to splice later, was eligible when its bytes were sent.
  const counted = closed.filter(({ reason, redirectedBytes }) => redirectedBytes > 0 || !NOT_ELIGIBLE.has(reason));
  const redirected = sum(closed.map(({ redirectedBytes }) => redirectedBytes));
  const bytes = redirected + sum(counted.map(({ passedBytes }) => passedBytes));
  return {
    connections: { seen: sum(Object.values(reasons)), eligible, accelerated },
    reasons,
    bytes: { seen: redirected + sum(closed.map(({ passedBytes }) => passedBytes)), eligible: bytes, redirected },
    share: { connections: ratio(accelerated, eligible), bytes: ratio(redirected, bytes) },
    resets: counters.resets,
    lost: counters.eventsLost,
  };
}

/** What is under the floor, in words. A floor of 0 asks for nothing. */
export function under({ share, lost }: Shares, floor: Floor): string[] {
  const percent = (value: number): string => `${(value * 100).toFixed(1)} %`;
  const short = (['connections', 'bytes'] as const).filter((what) => share[what] < floor[what])
    .map((what) => `${percent(share[what])} of the eligible ${what} were accelerated, and ${percent(floor[what])} is the least`);
  return lost === 0 ? short : [...short, `${lost} events were lost, so the bytes cannot be told`];
}
