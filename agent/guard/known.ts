/** What is kept of a program, and what that means for a workload that appears. */
import { createHash } from 'node:crypto';
import { join, type Conduct } from './conduct.js';

/** The program of an entry that goes by name alone. */
export const ANY_PROGRAM = 'any';
/** The place of an entry that holds wherever the program runs. */
export const ANYWHERE = '';

/** Who somebody is, in terms that outlive a process, a cgroup and a host's uptime. */
export interface Identity {
  /** `buildid:` or `sha256:` and hexadecimal digits; ANY_PROGRAM. */
  readonly program: string;
  /** Command name. */
  readonly name: string;
  /** Of an interpreter: SHA-256 of its command line and the files that it names. '' for any other program. */
  readonly script: string;
  readonly place: string;
}

export const ORIGINS = ['learned', 'import', 'preseed', 'operator', 'bus'] as const;
export type Origin = (typeof ORIGINS)[number];

/** Reads that were seen. */
export interface Evidence {
  readonly connections: number;
  readonly plain: number;
  readonly blocking: number;
  readonly hazard: number;
  readonly bytes: number;
}

export const NO_EVIDENCE: Evidence = { connections: 0, plain: 0, blocking: 0, hazard: 0, bytes: 0 };

export interface KnownProfile extends Identity, Conduct {
  /** Path at which it was seen last; '' if never. */
  readonly executable: string;
  /** When it came to this state, and when it was seen last: ISO 8601. */
  readonly since: string;
  readonly seen: string;
  readonly evidence: Evidence;
  readonly origin: Origin;
}

/** Twelve hexadecimal digits that name an entry. */
export function idOf({ program, name, script, place }: Identity): string {
  return createHash('sha256').update([program, name, script, place].join('\0')).digest('hex').slice(0, 12);
}

/** A workload, as far as it is known. */
export interface Subject extends Identity {
  readonly interpreter: boolean;
  /** It names splice(2). */
  readonly splices: boolean;
}

/** What it does follows from what it is told more than from what it is: a script, or whether to splice. */
const isTold = ({ interpreter, splices }: Subject): boolean => interpreter || splices;

const joined = (all: readonly Conduct[]): Conduct | undefined =>
  all.length === 0 ? undefined : all.reduce((a, b) => join(a, b));

/**
 * What is believed of a workload before it has shown anything.
 *  - What was seen of this program in this place holds, and what is said of it for every place.
 *  - What was seen elsewhere holds only if it was nothing but clean: another place is another configuration. Otherwise
 *    it is learned here.
 *  - Of an interpreter, or a program that may splice, elsewhere says nothing.
 *  - Entries by name alone are asked only when nothing is known of the program itself.
 */
export function decide(known: readonly KnownProfile[], subject: Subject): Conduct | undefined {
  const { program, name, script, place } = subject;
  const mine = known.filter((one) => one.program === program && one.name === name && one.script === script);
  const here = joined(mine.filter((one) => one.place === place || one.place === ANYWHERE));
  const elsewhere = joined(mine.filter((one) => one.place !== place && one.place !== ANYWHERE));
  if (here && (here.state !== 'clean' || mine.some((one) => one.place === place))) return here;
  if (elsewhere && elsewhere.state !== 'clean') return undefined;
  if (here) return elsewhere && !isTold(subject) ? join(here, elsewhere) : here;
  if (elsewhere) return isTold(subject) ? undefined : elsewhere;
  return subject.interpreter ? undefined : joined(known.filter((one) => one.program === ANY_PROGRAM && one.name === name));
}

/**
 * The same with what other hosts say. Anything that is known here goes before it, but a hazard that they have met takes a
 * clean word back. Of an interpreter, or a program that may splice, only a hazard counts: it does what its host asks of it.
 */
export function decideWith(known: readonly KnownProfile[], others: readonly KnownProfile[], subject: Subject): Conduct | undefined {
  const own = decide(known, subject);
  const theirs = joined(others.filter((one) => one.program === subject.program && one.name === subject.name && one.script === subject.script));
  if (theirs?.state === 'unsafe') return own ? join(own, theirs) : theirs;
  return own ?? (isTold(subject) ? undefined : theirs);
}
