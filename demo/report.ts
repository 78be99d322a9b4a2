/** The results as a person reads them. */
import { plain as unpainted, type Paint } from '../agent/cli/render/paint.js';
import { table, type Row } from '../agent/cli/render/table.js';
import { bytes, count } from '../agent/cli/render/units.js';
import { figuresOf, packetsPerRequest, type Figure, type Seen } from './results.js';
import { median, type Path } from './statistics.js';

const columns = [
  { title: '' },
  { title: 'PLAIN', align: 'right' },
  { title: 'ACCELERATED', align: 'right' },
  { title: 'RATIO', align: 'right' },
  { title: 'MIN..MAX', align: 'right' },
] as const;

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const number = (value: number): string => (value >= 1000 ? whole.format(value) : value.toFixed(value >= 10 ? 1 : 3));
const ratio = (value: number): string => value.toFixed(2);

function rowOf({ name, better, ...figure }: Figure): Row {
  const won = better === 'more' ? figure.ratio > 1 : figure.ratio < 1;
  return [
    name, number(figure.plain), number(figure.accelerated),
    { text: ratio(figure.ratio), colour: won ? 'green' : 'yellow' }, `${ratio(figure.lowest)}..${ratio(figure.highest)}`,
  ];
}

function proof(seen: Seen): string[] {
  const of = (path: Path): Seen['rounds'] => seen.rounds.filter((round) => round.path === path);
  const packets = (path: Path): string => count(median(of(path).map(({ loPackets }) => loPackets)));
  const accelerated = of('accelerated');
  const redirected = accelerated.reduce((sum, round) => sum + round.redirected.bytes, 0);
  const messages = accelerated.reduce((sum, round) => sum + round.redirected.messages, 0);
  const perRequest = (path: Path): number => packetsPerRequest(seen.rounds, path);
  const drop = (1 - perRequest('accelerated') / perRequest('plain')) * 100;
  const keys = seen.checks.reduce((sum, check) => sum + check.keys, 0);
  const checked = seen.checks.reduce((sum, check) => sum + check.bytes, 0);
  const wrong = seen.checks.reduce((sum, check) => sum + check.wrong, 0);
  return [
    `Redirected in ${accelerated.length} accelerated rounds: ${bytes(redirected)} in ${count(messages)} messages`,
    `Packets on lo in a round: ${packets('plain')} plain, ${packets('accelerated')} accelerated (${drop.toFixed(2)} % less per request)`,
    `Read back: ${whole.format(keys)} keys, ${bytes(checked)}, ${wrong === 0 ? 'every SHA-256 equal' : `${wrong} with another SHA-256`}`,
  ];
}

const next = [
  'Where to look next',
  '  npm start                                  the agent on this host',
  '  bin/sidestep top                           who talks to whom, how fast, and why not faster',
  '  bin/sidestep explain <pid|port>            why a connection is, or is not, accelerated',
  '  curl -s http://127.0.0.1:9464/metrics      the same for Prometheus',
  '  docs/                                      settings, metrics, errors, decisions',
];

export function report(seen: Seen, width: number, paint: Paint = unpainted): string[] {
  const { machine, mode, requestsOfEachKind } = seen;
  return [
    `Sidestep ${machine.sidestep} (mode ${mode}), Linux ${machine.kernel}, ${machine.cpus} x ${machine.cpu}, redis ${machine.redis}`,
    `redis-benchmark -c 50 -P 1, ${whole.format(requestsOfEachKind)} requests of each kind in a round; medians of ` +
      `${seen.rounds.length / 2} plain and ${seen.rounds.length / 2} accelerated rounds`,
    '',
    ...table(columns, figuresOf(seen).map(rowOf), width, paint),
    '',
    ...proof(seen),
    '',
    ...next,
  ];
}
