/** Profiles as people read them: workloads that are there, and programs that are only remembered. */
import type { Profile } from '../datapath/types.js';
import type { ProfileView } from '../pairs/profiles.js';
import type { Guard } from './guard.js';
import { idOf, type KnownProfile, type Origin } from './known.js';

export type Source = Origin | 'file';

/** What is kept of a workload's program, beside what the kernel says of it. */
export interface KeptView {
  /** Id of the profile; '' when nothing is kept. */
  profile: string;
  /** `buildid:...`, `sha256:...`; '' when nobody could tell. */
  program: string;
  place: string;
  /** ISO 8601: when it came to its state; '' when it has not come to one. */
  since: string;
  /** `file`: learned by an agent before this one. '' when nothing is kept. */
  from: Source | '';
  /** False: only remembered, by an agent or a list. */
  live: boolean;
}

export type ProfileRow = ProfileView & KeptView;

/** The worse of what is kept for the place and for everywhere is the one that is shown: the first that matches. */
function keptFor(guard: Guard, known: readonly KnownProfile[], row: Profile): KnownProfile | undefined {
  const subject = guard.met(row.id)?.subject;
  if (!subject) return undefined;
  const mine = known.filter((one) => one.program === subject.program && one.name === subject.name && one.script === subject.script);
  return mine.find(({ place }) => place === subject.place) ?? mine[0] ?? known.find((one) => one.program === 'any' && one.name === subject.name);
}

const sourceOf = (guard: Guard, profile: KnownProfile): Source =>
  profile.origin === 'learned' && guard.isFromFile(profile) ? 'file' : profile.origin;

function live(guard: Guard, known: readonly KnownProfile[], view: ProfileView): ProfileRow {
  const subject = guard.met(view.id)?.subject;
  const kept = keptFor(guard, known, view);
  return {
    ...view,
    executable: view.executable === '' ? (guard.met(view.id)?.executable ?? '') : view.executable,
    profile: kept ? idOf(kept) : '', program: subject?.program ?? '', place: subject?.place ?? '',
    since: kept && view.verdict !== 'learning' ? kept.since : '', from: kept ? sourceOf(guard, kept) : '', live: true,
  };
}

function remembered(guard: Guard, kept: KnownProfile): ProfileRow {
  const { evidence, state, reason, plain } = kept;
  return {
    id: idOf(kept), comm: kept.name, pid: 0, cgroup: '', exeInode: '0', exeDev: '0', exeChanged: '0',
    plain, blocking: state === 'blocking', hazard: reason, known: state === 'clean', enough: false,
    reads: { ...evidence, accepted: kept.serves ? evidence.connections : 0, forMs: 0 },
    seenMsAgo: Math.max(0, Date.now() - Date.parse(kept.seen)),
    verdict: state, executable: kept.executable, cgroupPath: '',
    profile: idOf(kept), program: kept.program, place: kept.place, since: kept.since, from: sourceOf(guard, kept), live: false,
  };
}

/** The workloads first, in the order in which they come; then what is only remembered. */
export function profileRows(guard: Guard, views: readonly ProfileView[]): ProfileRow[] {
  const known = [...guard.known(), ...guard.others];
  const rows = views.map((view) => live(guard, known, view));
  const shown = new Set(rows.map(({ profile }) => profile));
  return [...rows, ...known.filter((kept) => !shown.has(idOf(kept))).map((kept) => remembered(guard, kept))];
}
