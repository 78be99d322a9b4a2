import type { ProfileRow } from '../../guard/view.js';
import type { Verdict } from '../../pairs/profiles.js';
import { nameOf } from './names.js';
import { plain, type Colour, type Paint } from './paint.js';
import { table, type Column } from './table.js';
import { age, count } from './units.js';

const columns: readonly Column[] = [
  { title: 'WORKLOAD', min: 8 },
  { title: 'EXECUTABLE', min: 10 },
  { title: 'BUILD' },
  { title: 'CGROUP', min: 8 },
  { title: 'STATE', min: 8 },
  { title: 'SINCE', align: 'right' },
  { title: 'READS', min: 8 },
  { title: 'FROM' },
];

const colours: Readonly<Record<Verdict, Colour>> = { clean: 'green', blocking: 'yellow', unsafe: 'red', learning: 'gray' };

/** Enough digits to tell builds apart, and to find one with. */
const build = ({ program }: ProfileRow): string => /^(?:buildid|sha256):(.{8})/.exec(program)?.[1] ?? (program || '-');

const state = ({ verdict, hazard }: ProfileRow): string => (verdict === 'unsafe' ? `unsafe (${hazard})` : verdict);

function since({ since: at, reads }: ProfileRow, now: number): string {
  const ms = at === '' ? reads.forMs : now - Date.parse(at);
  return ms > 0 ? age(ms) : '-';
}

function reads({ reads: { plain: plainly, blocking, hazard } }: ProfileRow): string {
  const kinds: [number, string][] = [[plainly, 'plain'], [blocking, 'blocking'], [hazard, 'hazard']];
  return kinds.filter(([times]) => times > 0).map(([times, kind]) => `${count(times)} ${kind}`).join(', ') || '-';
}

/** In the order in which they come. What is only remembered has the place where it was seen. */
export function renderProfiles(rows: readonly ProfileRow[], width: number, paint: Paint = plain, now = Date.now()): string[] {
  if (rows.length === 0) return ['no workload has been seen on a local connection yet, and none is known from before'];
  const cells = rows.map((row) => [
    nameOf(row),
    row.executable || '-',
    build(row),
    row.cgroupPath || row.place || '-',
    { text: state(row), colour: colours[row.verdict] },
    since(row, now),
    reads(row),
    row.from || '-',
  ]);
  return table(columns, cells, width, paint);
}
