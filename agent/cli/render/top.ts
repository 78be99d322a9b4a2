/** The live view: who talks to whom, how fast, which share steps around the TCP stack, and why not the rest. */
import type { Frame } from '../../admin/objects.js';
import type { Pair } from '../../datapath/types.js';
import { bytesOf, messagesOf, shareOf, trafficOf } from '../../datapath/traffic.js';
import type { PairView } from '../../pairs/resolve.js';
import { processName, stateColour } from './names.js';
import { plain, type Paint } from './paint.js';
import { cut, table, type Column, type Row } from './table.js';
import { bytes, count, percent } from './units.js';

export interface TopRow {
  readonly pair: PairView;
  /** Redirected share of the messages of this interval; of all messages when there were none. */
  readonly share: number | undefined;
  readonly messagesPerSecond: number;
  readonly bytesPerSecond: number;
  /** '' when nothing needs explaining. */
  readonly why: string;
}

const columns: readonly Column[] = [
  { title: 'CLIENT', min: 8 },
  { title: '', min: 2 },
  { title: 'SERVER', min: 8 },
  { title: 'PORT', align: 'right' },
  { title: 'STATE' },
  { title: 'SHARE', align: 'right' },
  { title: 'MSG/s', align: 'right' },
  { title: 'BYTES/s', align: 'right' },
  { title: 'WHY', min: 6 },
];

function whyOf(pair: Pair, share: number | undefined): string {
  if (pair.reason !== 'redirected') return pair.reason;
  if (pair.state === 'half') return 'peer_pending';
  return share !== undefined && share < 1 && pair.lastPass !== 'redirected' ? pair.lastPass : '';
}

/** A pair that the earlier frame did not have is new and counts from its birth, or it was not among the busiest then and has no rate yet. */
const isNew = (pair: Pair, seconds: number): boolean => pair.ageMs <= seconds * 1000 + 500;

/** Busiest first. */
export function topRows(frame: Frame, earlier: Frame | undefined): TopRow[] {
  const before = new Map(earlier?.pairs.map((pair) => [pair.id, trafficOf(pair)]));
  const seconds = earlier ? Math.max(0.001, (frame.at - earlier.at) / 1000) : 0;
  const rows = frame.pairs.map((pair): TopRow => {
    const now = trafficOf(pair);
    const then = before.get(pair.id) ?? (seconds > 0 && !isNew(pair, seconds) ? now : undefined);
    const messages = messagesOf(now) - (then ? messagesOf(then) : 0);
    const redirected = now.redirectedMessages - (then?.redirectedMessages ?? 0);
    const moved = bytesOf(now) - (then ? bytesOf(then) : 0);
    const share = earlier && messages > 0 ? redirected / messages : shareOf(now);
    return {
      pair,
      share,
      messagesPerSecond: seconds > 0 ? messages / seconds : 0,
      bytesPerSecond: seconds > 0 ? moved / seconds : 0,
      why: whyOf(pair, share),
    };
  });
  return rows.sort((a, b) =>
    b.bytesPerSecond - a.bytesPerSecond || b.messagesPerSecond - a.messagesPerSecond ||
    bytesOf(trafficOf(b.pair)) - bytesOf(trafficOf(a.pair)) || a.pair.id.localeCompare(b.pair.id));
}

function topHeader({ status }: Frame, width: number, paint: Paint): string[] {
  const { datapath, totals } = status;
  const switched = datapath.enabled ? (datapath.observe ? 'observing' : 'enabled') : 'disabled';
  const good = switched === 'enabled' && datapath.mode !== 'off';
  const connections = `${count(totals.accelerated)} accelerated, ${count(totals.refused)} refused`;
  return [
    `${paint('bold', 'sidestep')}  mode ${datapath.mode}  ${paint(good ? 'green' : 'yellow', switched)}`,
    cut(`${count(totals.activePairs)} active  ${bytes(totals.redirectedBytes)} redirected  connections: ${connections}`, width),
  ];
}

function rowOf({ pair, share, messagesPerSecond, bytesPerSecond, why }: TopRow): Row {
  const colour = share === undefined ? 'gray' : share >= 0.9 ? 'green' : share > 0 ? 'yellow' : 'gray';
  return [
    processName(pair.client),
    { text: '->', colour: 'gray' },
    processName(pair.server),
    `:${pair.server.port}`,
    { text: pair.state, colour: stateColour[pair.state] },
    { text: percent(share), colour },
    count(messagesPerSecond),
    bytes(bytesPerSecond),
    { text: why, colour: 'yellow' },
  ];
}

/** At most `height` lines; what does not fit is counted. */
export function renderTop(
  frame: Frame,
  earlier: Frame | undefined,
  { width, height = Infinity, paint = plain }: { width: number; height?: number; paint?: Paint },
): string[] {
  const rows = topRows(frame, earlier);
  const header = [...topHeader(frame, width, paint), ''];
  if (rows.length === 0) return [...header, 'no local connections'];
  const room = Math.max(1, height - header.length - 1);
  const shown = rows.length <= room ? rows : rows.slice(0, Math.max(1, room - 1));
  const lines = [...header, ...table(columns, shown.map(rowOf), width, paint)];
  const left = Math.max(rows.length, frame.status.totals.pairs) - shown.length;
  return left === 0 ? lines : [...lines, paint('gray', `... and ${String(left)} more`)];
}
