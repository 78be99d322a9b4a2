// SPDX-License-Identifier: Apache-2.0
/** What a run saw. Pure data: verdict.ts judges it, report.ts shows it. Times in nanoseconds of CLOCK_MONOTONIC. */

export const now = (): number => Number(process.hrtime.bigint());

/** A connection that did not end well, as one of its ends tells. */
export interface Trouble {
  what: 'error' | 'connect' | 'cut_short' | 'hang' | 'mismatch' | 'too_many';
  error: string;
  shape: string;
  /** Its top 16 bits are the number of the client process; '0' when the server never heard who it was. */
  seed: string;
  opened: number;
  at: number;
  sent: number;
  toSend: number;
  got: number;
  toGet: number;
  /** Most bytes of one send. */
  chunk: number;
  /** Of a read with a wrong byte: its bytes, how many were right, how far ahead in the stream the next belongs (modulo 1 MiB and a little; behind if negative). */
  wrong: { size: number; right: number; shift: number; peeked: boolean };
  unread: number;
  unsent: number;
}

/** A process that was killed on purpose: nobody was there from `from` to `to`. */
export interface Absence {
  /** Number of the process that was killed. */
  process: number;
  from: number;
  to: number;
}

export interface Seen {
  trouble: Trouble;
  /** Who tells it: "client loopback #4". */
  teller: string;
  /** The absence of the other end that explains it. */
  because: Absence | undefined;
}

export interface Sample {
  at: number;
  agentRssKiB: number;
  programs: number;
  maps: number;
  links: number;
  mapsKiB: number;
  tcpMemoryKiB: number;
  unreclaimableKiB: number;
}

export interface Fault {
  kind: string;
  from: number;
  to: number;
  /** '' or what did not go as it must. */
  complaint: string;
}

export interface Totals {
  /** Bytes that were compared, at both ends. */
  bytes: number;
  opened: number;
  done: Record<string, number>;
}

export interface Run {
  seed: number;
  /** Without an agent. */
  plain: boolean;
  /** New connections a second that the run was to open, with nothing happening beside them; 0: another kind of run. */
  churn: number;
  seconds: number;
  faults: Fault[];
  seen: Seen[];
  samples: Sample[];
  totals: Totals;
  redirectedBytes: number;
  accelerated: number;
  agentStarts: number;
  /** Pairs that the agent showed when all traffic had ended. */
  pairsLeft: string[];
  /** Programs of the traffic that ended by themselves. */
  fallen: string[];
  /** New lines of the kernel's log that tell of a bug. */
  kernelComplaints: string[];
  /** Programs, maps, links and pins that are there at the end and were not at the start. */
  left: string[];
}

/** The absence of the other end that explains a trouble: it fell within the life of the connection. */
export function explain(trouble: Trouble, absences: readonly Absence[]): Absence | undefined {
  // A process that has gone explains an early end, not a wrong byte, and not that nobody was told.
  if (trouble.what === 'mismatch' || trouble.what === 'too_many' || trouble.what === 'hang') return undefined;
  const owner = Number(BigInt(trouble.seed) >> 48n);
  return absences.find(({ process, from, to }) => trouble.opened <= to && trouble.at >= from && (owner === 0 || process === owner));
}
