import type { ProfileView, Verdict } from '../../pairs/profiles.js';
import { nameOf } from './names.js';
import { plain, type Colour, type Paint } from './paint.js';
import { table, type Column } from './table.js';
import { age } from './units.js';

const columns: readonly Column[] = [
  { title: 'WORKLOAD', min: 8 },
  { title: 'EXECUTABLE', min: 10 },
  { title: 'CGROUP', min: 8 },
  { title: 'READS' },
  { title: 'VERDICT', min: 8 },
  { title: 'SEEN', align: 'right' },
];

const colours: Readonly<Record<Verdict, Colour>> = { trusted: 'green', mixed: 'yellow', unsafe: 'red', learning: 'gray' };

function reads({ plain: plainly, blocking }: ProfileView): string {
  if (plainly && blocking) return 'both';
  return plainly ? 'plain' : blocking ? 'blocking' : '-';
}

function words({ verdict, hazard }: ProfileView): string {
  if (verdict === 'unsafe') return `unsafe (${hazard})`;
  return verdict === 'mixed' ? 'judged one by one' : verdict;
}

/** In the order in which they come. */
export function renderProfiles(profiles: readonly ProfileView[], width: number, paint: Paint = plain): string[] {
  if (profiles.length === 0) return ['no workload has been seen reading a local connection yet'];
  const rows = profiles.map((profile) => [
    nameOf(profile),
    profile.executable || '-',
    profile.cgroupPath || '-',
    reads(profile),
    { text: words(profile), colour: colours[profile.verdict] },
    age(profile.seenMsAgo),
  ]);
  return table(columns, rows, width, paint);
}
