/** What the guard's profile of a workload means for its connections. */
import type { Endpoint, Profile } from '../datapath/types.js';

/**
 * `clean`: its end needs no proof; for a server, as soon as the listener has been read from. `blocking`: it was seen to
 * block, so each connection has to show by itself that it does not. `unsafe`: none is enrolled. `learning`: it has not
 * been seen to read plainly for long enough.
 */
export const VERDICTS = ['clean', 'blocking', 'unsafe', 'learning'] as const;
export type Verdict = (typeof VERDICTS)[number];

export interface ProfileView extends Profile {
  verdict: Verdict;
  /** Path of the executable; '' when nobody could tell. */
  executable: string;
  /** Path of the cgroup below the v2 mount; '' when nobody could tell. */
  cgroupPath: string;
}

export function verdictOf({ plain, blocking, hazard, known, enough }: Profile): Verdict {
  if (hazard !== '') return 'unsafe';
  if (blocking) return 'blocking';
  return known || (plain && enough) ? 'clean' : 'learning';
}

/** Unsafe ones first, then those seen most recently. */
export function inOrder<P extends Profile>(profiles: readonly P[]): P[] {
  const unsafe = ({ hazard }: P): number => (hazard === '' ? 1 : 0);
  return [...profiles].sort((a, b) => unsafe(a) - unsafe(b) || a.seenMsAgo - b.seenMsAgo || a.id.localeCompare(b.id));
}

/** The profile of whoever holds this end: of this very process, or of one with its name in its cgroup. */
export function profileOf({ comm, pid, cgroup }: Endpoint, profiles: readonly Profile[]): Profile | undefined {
  if (comm === '') return undefined;
  const named = profiles.filter((profile) => profile.comm === comm);
  return named.find((profile) => profile.pid === pid) ?? named.find((profile) => profile.cgroup === cgroup);
}
