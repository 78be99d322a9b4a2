// SPDX-License-Identifier: Apache-2.0
/** A run as a person reads it. Pure. */
import { plain, type Paint } from '../../agent/cli/render/paint.js';
import { table } from '../../agent/cli/render/table.js';
import { noisy, reaches, type Compared, type Measured, type Run } from './record.js';

const number = (value: number): string =>
  value >= 1000 ? Math.round(value).toLocaleString('en') : value.toFixed(value >= 100 ? 0 : value >= 10 ? 1 : 3);
const ratio = (value: number): string => value.toFixed(3);
const interval = ({ low, high }: Measured): string => `${ratio(low)}..${ratio(high)}`;

function share({ contenderMode, proof: { redirected, passed } }: Measured): string {
  return !['auto', 'on'].includes(contenderMode) || redirected + passed === 0 ? '-' : `${Math.round((redirected / (redirected + passed)) * 100)}%`;
}

const target = (row: Measured): string =>
  row.target === undefined ? '' : `${row.better === 'more' ? '>=' : '<='} ${row.target.toFixed(2)}`;

export function rowsOf(rows: readonly Measured[], width: number, paint: Paint = plain): string[] {
  return table(
    [{ title: 'ROW' }, { title: 'UNIT' }, { title: 'BASELINE', align: 'right' }, { title: 'CONTENDER', align: 'right' },
      { title: 'RATIO', align: 'right' }, { title: '95 %', align: 'right' }, { title: 'TARGET', align: 'right' }, { title: 'AROUND', align: 'right' }],
    rows.map((row) => [
      row.id, row.unit, number(row.baseline), number(row.contender),
      { text: ratio(row.ratio), colour: reaches(row) === false ? 'yellow' : 'green' }, interval(row), target(row), share(row),
    ]),
    width, paint,
  );
}

/** The table as docs/benchmarks.md has it. */
export function markdown(rows: readonly Measured[]): string[] {
  return [
    '| Row | What | Unit | Baseline | Contender | Ratio (95 %) | Target | Around TCP |',
    '| --- | --- | --- | ---: | ---: | ---: | ---: | ---: |',
    ...rows.map((row) => {
      const words = [`\`${row.id}\``, row.what, row.unit, number(row.baseline), number(row.contender), `${ratio(row.ratio)} (${interval(row)})`, target(row), share(row)];
      return `| ${words.join(' | ')} |`;
    }),
  ];
}

export function report(run: Run, width: number, paint: Paint = plain): string[] {
  const { sidestep, commit, kernel, cpus, cpu, load } = run.machine;
  const restless = noisy(run);
  const missed = run.rows.filter((row) => reaches(row) === false);
  return [
    `Sidestep ${sidestep} (${commit}), Linux ${kernel}, ${cpus} x ${cpu}, load before ${load}, samples of ${run.sampleMs} ms`,
    'RATIO is contender to baseline, the median of blocks; AROUND the share of messages of enrolled sockets that went around TCP',
    '',
    ...rowsOf(run.rows, width, paint),
    '',
    `${run.rows.length} rows, ${missed.length} below their target${missed.length > 0 ? `: ${missed.map(({ id }) => id).join(', ')}` : ''}`,
    ...restless.map(({ id, low, high }) => `the control ${id} says that the machine was restless: ${ratio(low)}..${ratio(high)}; measure again`),
  ];
}

export function comparison(compared: readonly Compared[], width: number, paint: Paint = plain): string[] {
  const colour = { worse: 'red', better: 'green', same: 'dim' } as const;
  return table(
    [{ title: 'ROW' }, { title: 'BEFORE', align: 'right' }, { title: '95 %', align: 'right' }, { title: 'NOW', align: 'right' }, { title: '95 %', align: 'right' }, { title: '' }],
    compared.map(({ row, before, change }) => [row.id, ratio(before.ratio), interval(before), ratio(row.ratio), interval(row), { text: change, colour: colour[change] }]),
    width, paint,
  );
}
