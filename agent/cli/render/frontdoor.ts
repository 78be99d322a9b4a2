import type { FrontDoorObject } from '../../admin/objects.js';
import { LEFT, LEFT_NAMES, type DirectView } from '../../frontdoor/direct-types.js';
import { ANSWERS, OUTCOMES, OUTCOME_NAMES, WAIT_BOUNDS, type BackendRow, type DoorIdentity, type DoorTotals, type RequestCounts } from '../../frontdoor/types.js';
import { ended, REFUSED, type DoorState, type DoorView } from '../../frontdoor/view.js';
import { withPort } from '../../with-port.js';
import { plain, type Colour, type Paint } from './paint.js';
import { clean, table, type Column, type Row } from './table.js';
import { bytes, count } from './units.js';

const columns: readonly Column[] = [
  { title: '  BACKEND', min: 12 }, { title: 'WEIGHT', align: 'right' }, { title: 'OPEN', align: 'right' }, { title: 'TOTAL', align: 'right' },
  { title: 'FAILED', align: 'right' }, { title: 'NOTE', min: 4 },
];

const colours: Readonly<Record<DoorState, Colour>> = { open: 'green', draining: 'yellow', failed: 'red', shut: 'yellow' };

export function doorLine({ name, address, port, state, because, service, active, maxConnections }: DoorView): string {
  const limit = state === 'open' ? ` of ${count(maxConnections)}` : '';
  const to = service === '' ? '' : ` to the service ${service}`;
  return clean(`front door ${name} at ${withPort(address, port)}${to}: ${state}${because === '' ? '' : `, ${because}`}, ${count(active)}${limit} connections`);
}

/** The time within which this share of all began to be answered, as far as buckets tell. */
function within(waits: readonly number[], share: number): string {
  let left = waits.reduce((sum, one) => sum + one, 0) * share;
  const bound = WAIT_BOUNDS[waits.findIndex((one) => (left -= one) <= 0)];
  return bound === undefined ? 'more than 10 s' : `${String(+(bound * 1000).toFixed(2))} ms`;
}

function requestLines({ answers, waits, unreadable }: RequestCounts, requests: DoorView['requests']): string[] {
  if (requests === 'off') return [];
  const all = ANSWERS.reduce((sum, name) => sum + answers[name], 0);
  const told = ANSWERS.filter((name) => answers[name] > 0).map((name) => `${name} ${count(answers[name])}`);
  const protocol = requests === 'http1' ? 'HTTP/1' : 'messages with a length';
  return [
    `  ${count(all)} requests${told.length === 0 ? '' : `: ${told.join(', ')}`}`,
    ...(waits.some((one) => one > 0) ? [`  answers began within ${within(waits, 0.5)} for half of them, ${within(waits, 0.99)} for 99 in 100`] : []),
    ...(unreadable > 0 ? [`  ${count(unreadable)} connections are not counted further: what came is not ${protocol}`] : []),
  ];
}

function directLines(direct: DirectView | null): string[] {
  if (!direct) return [];
  const left = LEFT_NAMES.filter((name) => direct.left[name] > 0);
  return [
    `  ${count(direct.given)} calls were given to a backend itself`,
    ...left.map((name) => `  ${count(direct.left[name])} calls were left to the door, ${name}: ${LEFT[name]}`),
  ];
}

function noteOf({ address, port, failuresInRow }: BackendRow, direct: DirectView | null): Row[number] {
  if (failuresInRow > 0) return { text: `does not answer, ${count(failuresInRow)} in a row`, colour: 'red' };
  const because = direct?.backends.find((one) => one.address === address && one.port === port)?.because;
  return because === undefined ? '' : because === '' ? 'called directly' : `through the door: ${because}`;
}

function totalLines({ bytesIn, bytesOut, outcomes, requests }: DoorTotals, protocol: DoorView['requests']): string[] {
  const refused = REFUSED.reduce((sum, name) => sum + outcomes[name], 0);
  const told = OUTCOME_NAMES.filter((name) => name !== 'closed' && outcomes[name] > 0);
  return [
    `  ${count(ended(outcomes))} ended, ${count(refused)} of them refused; ${bytes(bytesIn)} in, ${bytes(bytesOut)} out`,
    ...told.map((name) => `  ${name} ${count(outcomes[name])}: ${OUTCOMES[name]}`),
    ...requestLines(requests, protocol),
  ];
}

export const processWords = ({ pid, version }: DoorIdentity): string => clean(`served by pid ${pid}, version ${version}`);

export function renderFrontDoor({ process, restarts, listeners, totals }: FrontDoorObject, width: number, paint: Paint = plain): string[] {
  if (listeners.length === 0) return ['no front door is configured; docs/frontdoor.md shows how'];
  const again = restarts === 0 ? '' : `, started again ${restarts === 1 ? 'once' : `${count(restarts)} times`}`;
  const server = process ? [`${processWords(process)}${again}`, ''] : [paint('red', 'there is no door process; `sidestep status` says why'), ''];
  return [...server, ...listeners.flatMap((door) => {
    const total = totals.find(({ name }) => name === door.name);
    const rows = door.backends.map((row): Row => [
      `  ${withPort(row.address, row.port)}`, String(row.weight), count(row.active), count(row.total), count(row.failures), noteOf(row, door.direct),
    ]);
    return [
      paint(colours[door.state], doorLine(door)),
      ...(total && door.state !== 'draining' ? totalLines(total, door.requests) : []),
      ...directLines(door.direct),
      ...(rows.length === 0 ? [] : table(columns, rows, width, paint)),
      ...(door.state === 'open' && rows.length === 0 ? [paint('red', '  no backend: connections are reset')] : []),
      '',
    ];
  })];
}
