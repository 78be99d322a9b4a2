/**
 * How a program is known to read. What is known from several places is joined: the worse state wins, so a hazard always
 * does, and the order in which things were learned does not matter.
 */
import type { ReasonName } from '../datapath/reasons.js';
import type { Profile, Reads, WorkloadRepute } from '../datapath/types.js';

export const STATES = ['clean', 'blocking', 'unsafe'] as const;
export type State = (typeof STATES)[number];

/** Reasons that make a program unsafe. */
export const HAZARDS = ['splice', 'urgent', 'fionread'] as const satisfies readonly ReasonName[];
export type Hazard = (typeof HAZARDS)[number];

export interface Conduct {
  readonly state: State;
  /** Why unsafe; '' otherwise. */
  readonly reason: Hazard | '';
  /** Of a clean one: it was seen to read plainly what it accepted, too. */
  readonly serves: boolean;
  /** Of one that is not unsafe: it was seen to read plainly, whatever else it did. */
  readonly plain: boolean;
}

/** What does not matter in its state is not there, so that equal conduct looks equal. */
export const conductOf = (state: State, { reason, serves, plain }: Partial<Omit<Conduct, 'state'>>): Conduct => ({
  state,
  reason: state === 'unsafe' ? (reason ?? '') : '',
  serves: state === 'clean' && serves === true,
  plain: state === 'clean' || (state === 'blocking' && plain === true),
});

export function join(a: Conduct, b: Conduct): Conduct {
  const state = STATES.indexOf(a.state) >= STATES.indexOf(b.state) ? a.state : b.state;
  const [reason = ''] = [a.reason, b.reason].filter((one) => one !== '').sort();
  return conductOf(state, { reason, serves: a.serves || b.serves, plain: a.plain || b.plain });
}

export const same = (a: Conduct, b: Conduct): boolean =>
  a.state === b.state && a.reason === b.reason && a.serves === b.serves && a.plain === b.plain;

export const isHazard = (reason: ReasonName | ''): reason is Hazard => (HAZARDS as readonly string[]).includes(reason);

export const NO_READS: Reads = { plain: 0, blocking: 0, hazard: 0, connections: 0, accepted: 0, bytes: 0, forMs: 0 };

/** What was read between two looks at a row. One that was made anew meanwhile counts from zero. */
export function between(before: Reads, now: Reads): Reads {
  const keys = Object.keys(NO_READS) as (keyof Reads)[];
  const isNew = keys.some((key) => now[key] < before[key]);
  return isNew ? now : (Object.fromEntries(keys.map((key) => [key, now[key] - before[key]])) as unknown as Reads);
}

/** What these reads of a workload show. Undefined: nothing to keep yet. */
export function shown({ enough, hazard }: Profile, reads: Reads): Conduct | undefined {
  const base = { serves: reads.accepted > 0, plain: reads.plain > 0 };
  if (reads.hazard > 0) return conductOf('unsafe', { reason: isHazard(hazard) ? hazard : 'splice' });
  if (reads.blocking > 0) return conductOf('blocking', base);
  return enough && reads.plain > 0 ? conductOf('clean', base) : undefined;
}

/** What was read already, once a row has been given this: such a row says of itself that it was seen to block. */
export function basedOn(reads: Reads, { state, plain }: Conduct): Reads {
  if (state !== 'blocking') return reads;
  return { ...reads, blocking: Math.max(reads.blocking, 1), plain: Math.max(reads.plain, plain ? 1 : 0) };
}

/** Of somebody of whom nothing is known; whoever may splice is watched for longer. */
export const unknownTo = (wary: boolean): WorkloadRepute => ({ client: false, server: false, wary, hazard: '', plain: false, blocking: false });

/** As the kernel takes it. */
export function reputeOf({ state, reason, serves, plain }: Conduct): WorkloadRepute {
  const clean = state === 'clean';
  return { client: clean, server: clean && serves, wary: false, hazard: reason, plain: plain && state === 'blocking', blocking: state === 'blocking' };
}
