import type { PairView } from '../../pairs/resolve.js';
import { bytesOf, shareOf, trafficOf } from '../../datapath/traffic.js';
import { at, processName, stateColour } from './names.js';
import { plain, type Paint } from './paint.js';
import { table, type Column } from './table.js';
import { age, bytes, percent } from './units.js';

const columns: readonly Column[] = [
  { title: 'ID' },
  { title: 'CLIENT', min: 8 },
  { title: 'FROM', min: 9 },
  { title: 'SERVER', min: 8 },
  { title: 'TO', min: 9 },
  { title: 'STATE' },
  { title: 'SHARE', align: 'right' },
  { title: 'BYTES', align: 'right' },
  { title: 'AGE', align: 'right' },
  { title: 'REASON', min: 6 },
];

export function renderPairs(pairs: readonly PairView[], width: number, paint: Paint = plain): string[] {
  if (pairs.length === 0) return ['no local connections'];
  const rows = [...pairs]
    .sort((a, b) => b.ageMs - a.ageMs)
    .map((pair) => {
      const traffic = trafficOf(pair);
      return [
        pair.id,
        processName(pair.client),
        at(pair.client),
        processName(pair.server),
        at(pair.server),
        { text: pair.state, colour: stateColour[pair.state] },
        percent(shareOf(traffic)),
        bytes(bytesOf(traffic)),
        age(pair.ageMs),
        pair.reason,
      ];
    });
  return table(columns, rows, width, paint);
}
