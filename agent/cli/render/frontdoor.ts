import type { FrontDoorObject } from '../../admin/objects.js';
import { OUTCOMES, OUTCOME_NAMES, type DoorIdentity, type DoorTotals } from '../../frontdoor/types.js';
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

function totalLines({ bytesIn, bytesOut, outcomes }: DoorTotals): string[] {
  const refused = REFUSED.reduce((sum, name) => sum + outcomes[name], 0);
  const told = OUTCOME_NAMES.filter((name) => name !== 'closed' && outcomes[name] > 0);
  return [
    `  ${count(ended(outcomes))} ended, ${count(refused)} of them refused; ${bytes(bytesIn)} in, ${bytes(bytesOut)} out`,
    ...told.map((name) => `  ${name} ${count(outcomes[name])}: ${OUTCOMES[name]}`),
  ];
}

export const processWords = ({ pid, version }: DoorIdentity): string => clean(`served by pid ${pid}, version ${version}`);

export function renderFrontDoor({ process, restarts, listeners, totals }: FrontDoorObject, width: number, paint: Paint = plain): string[] {
  if (listeners.length === 0) return ['no front door is configured; docs/frontdoor.md shows how'];
  const again = restarts === 0 ? '' : `, started again ${restarts === 1 ? 'once' : `${count(restarts)} times`}`;
  const server = process ? [`${processWords(process)}${again}`, ''] : [paint('red', 'there is no door process; `sidestep status` says why'), ''];
  return [...server, ...listeners.flatMap((door) => {
    const total = totals.find(({ name }) => name === door.name);
    const rows = door.backends.map(({ address, port, weight, active, total: given, failures, failuresInRow }): Row => [
      `  ${withPort(address, port)}`, String(weight), count(active), count(given), count(failures),
      failuresInRow === 0 ? '' : { text: `does not answer, ${count(failuresInRow)} in a row`, colour: 'red' },
    ]);
    return [
      paint(colours[door.state], doorLine(door)),
      ...(total && door.state !== 'draining' ? totalLines(total) : []),
      ...(rows.length === 0 ? [] : table(columns, rows, width, paint)),
      ...(door.state === 'open' && rows.length === 0 ? [paint('red', '  no backend: connections are reset')] : []),
      '',
    ];
  })];
}
