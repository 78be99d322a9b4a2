import type { ReuseportObject } from '../../admin/objects.js';
import type { GroupView, ListenerState, ListenerView } from '../../reuseport/view.js';
import { at, nameOf } from './names.js';
import { plain, type Colour, type Paint } from './paint.js';
import { clean, table, type Column, type Row } from './table.js';
import { bytes, count } from './units.js';

const columns: readonly Column[] = [
  { title: '  LISTENER', min: 12 },
  { title: 'SOCKET' },
  { title: 'STATE' },
  { title: 'GEN', align: 'right' },
  { title: 'GIVEN', align: 'right' },
  { title: 'SHARE', align: 'right' },
  { title: 'MOVED IN', align: 'right' },
  { title: 'PASSED OVER', align: 'right' },
  { title: 'WAITING', align: 'right' },
  { title: 'FOR', align: 'right' },
];

const colours: Readonly<Record<ListenerState, Colour>> = {
  ready: 'green', busy: 'green', draining: 'yellow', new: 'yellow', stuck: 'red', full: 'red', unlisted: 'gray',
};

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

function waited(ms: number): string {
  if (ms === 0) return '-';
  return ms < 1000 ? `${Math.ceil(ms)}ms` : `${(ms / 1000).toFixed(1)}s`;
}

function rowOf(listener: ListenerView, total: number, udp: boolean): Row {
  const { state, generation, selected, migrated, skipped, depth, waitedMs } = listener;
  return [
    `  ${nameOf(listener)}`,
    listener.cookie,
    { text: state, colour: colours[state] },
    String(generation),
    count(selected),
    total === 0 ? '-' : `${((selected / total) * 100).toFixed(1)}%`,
    count(migrated),
    count(sum(Object.values(skipped))),
    udp ? bytes(depth) : count(depth),
    waited(waitedMs),
  ];
}

function headOf({ protocol, family, address, port, netns, balanced, why, because, program, policy, fallbacks }: GroupView, paint: Paint): string {
  const place = `${protocol} ${at({ address, port, family })}  netns ${netns}`;
  if (!balanced) {
    // Its name was given by somebody else.
    const who = why === 'foreign' && program ? `: ${clean(program.name)}${program.id === 0 ? '' : ` (id ${program.id})`}` : '';
    return `${paint('bold', place)}  ${paint('gray', `left to the kernel: ${because}${who}`)}`;
  }
  const left = sum(Object.values(fallbacks));
  return `${paint('bold', place)}  ${paint('green', policy)}${left === 0 ? '' : paint('yellow', `  ${count(left)} left to the kernel`)}`;
}

function groupLines(group: GroupView, width: number, paint: Paint): string[] {
  const total = sum(group.listeners.map(({ selected }) => selected));
  const rows = group.listeners.map((listener) => rowOf(listener, total, group.protocol === 'udp'));
  return [headOf(group, paint), ...table(columns, rows, width, paint)];
}

/** Who listens, each once. */
function whoOf({ listeners }: GroupView): string {
  const names = [...new Set(listeners.map(nameOf))];
  const more = names.length > 3 ? ', ...' : '';
  return clean(`${listeners.length} ${listeners.length === 1 ? 'listener' : 'listeners'}: ${names.slice(0, 3).join(', ')}${more}`);
}

/** Balanced groups first; of the others only who they are. */
export function renderReuseport(answer: ReuseportObject, width: number, paint: Paint = plain): string[] {
  const { enabled, failure, groups } = answer;
  const problem = failure === '' ? [] : [paint('red', `the latest look failed: ${failure}`)];
  if (!enabled) return [...problem, 'listeners are not balanced: reuseport.enabled is false'];
  if (groups.length === 0) return [...problem, 'nothing listens with SO_REUSEPORT'];
  const balanced = groups.filter((group) => group.balanced);
  const others = groups.filter((group) => !group.balanced);
  return [
    ...problem,
    ...balanced.flatMap((group) => [...groupLines(group, width, paint), '']),
    ...others.map((group) => `${headOf(group, paint)}; ${whoOf(group)}`),
  ];
}
