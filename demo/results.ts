/** Everything that was seen; what it comes to; and whether it proves the point. */
import type { ProgramInfo } from '../agent/datapath/types.js';
import type { Machine } from './machine.js';
import type { RoundTrips } from './roundtrips.js';
import type { Check, Round } from './rounds.js';
import { compare, median, type Comparison, type Path } from './statistics.js';

export interface Seen {
  readonly machine: Machine;
  readonly mode: string;
  readonly programs: readonly ProgramInfo[];
  readonly requestsOfEachKind: number;
  readonly rounds: readonly Round[];
  readonly checks: readonly Check[];
  readonly roundTrips: readonly RoundTrips[];
  readonly commands: readonly string[];
}

export interface Figure extends Comparison {
  readonly name: string;
  readonly better: 'more' | 'less';
}

export function figuresOf({ rounds, roundTrips }: Seen): Figure[] {
  const redis = (['GET', 'SET'] as const).flatMap((kind): Figure[] => [
    { name: `${kind} requests/s`, better: 'more', ...compare(rounds, ({ result }) => result[kind].requestsPerSecond) },
    { name: `${kind} p50 ms`, better: 'less', ...compare(rounds, ({ result }) => result[kind].p50Ms) },
    { name: `${kind} p99 ms`, better: 'less', ...compare(rounds, ({ result }) => result[kind].p99Ms) },
  ]);
  return [
    ...redis,
    { name: '64 B round trip p50 us', better: 'less', ...compare(roundTrips, ({ result }) => result.p50_us) },
    { name: '64 B round trip p99 us', better: 'less', ...compare(roundTrips, ({ result }) => result.p99_us) },
  ];
}

const inPath = <T extends { path: Path }>(samples: readonly T[], path: Path): T[] => samples.filter((one) => one.path === path);

/** Packets on the loopback device for each request, median over the rounds. */
export const packetsPerRequest = (rounds: readonly Round[], path: Path): number =>
  median(inPath(rounds, path).map(({ loPackets, requests }) => loPackets / requests));

/** How much of the packets must be gone. Opening and closing connections is left to TCP. */
const leastDrop = 0.9;

/** One sentence, '' when everything is as claimed. */
export function problemOf({ rounds, checks, roundTrips }: Omit<Seen, 'machine' | 'programs' | 'mode' | 'commands'>): string {
  const wrong = checks.reduce((sum, check) => sum + check.wrong, 0);
  if (wrong > 0) return `${wrong} keys came back with other bytes than were written.`;
  if (inPath(checks, 'accelerated').some(({ redirected }) => redirected.bytes === 0))
    return 'The read-back took plain TCP, so it proved nothing.';
  if (inPath(rounds, 'accelerated').some(({ redirected }) => redirected.bytes === 0))
    return 'In an accelerated round no byte was redirected.';
  const plain = packetsPerRequest(rounds, 'plain');
  if (plain < 1) return 'The plain rounds did not cross the loopback device; does another agent serve this host?';
  const drop = 1 - packetsPerRequest(rounds, 'accelerated') / plain;
  if (drop <= leastDrop)
    return `The packets on lo fell by ${(drop * 100).toFixed(1)} % per request only, and ${leastDrop * 100} % are needed.`;
  if (inPath(roundTrips, 'accelerated').some(({ redirected, result }) => redirected.messages < result.rounds))
    return 'The accelerated round trips took plain TCP.';
  return '';
}
