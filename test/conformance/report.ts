// SPDX-License-Identifier: Apache-2.0
/** What a run found, for people and for programs. */
import { cpus, release } from 'node:os';
import { version } from '../../agent/version.js';
import type { Row } from './both.js';
import type { Difference } from './compare.js';

export interface Report {
  readonly apiVersion: 1;
  readonly command: string;
  readonly short: boolean;
  readonly machine: { cpu: string; cpus: number; kernel: string; node: string };
  readonly sidestep: string;
  /** Checks that are the same, one for each floor that holds; differences, problems. Unstable and known ones are in neither. */
  readonly passed: number;
  readonly failed: number;
  readonly suites: readonly Row[];
}

const total = (rows: readonly Row[], of: (row: Row) => number): number => rows.reduce((sum, row) => sum + of(row), 0);

export function reportOf(rows: readonly Row[], short: boolean, command: string): Report {
  const failed = total(rows, ({ differences, problems }) => differences.length + problems.length);
  const passed = total(rows, ({ checks, differences, unstable, known }) => Math.max(0, checks - differences.length - unstable.length - known.length));
  const floors = rows.filter(({ problems, checks }) => problems.length === 0 && checks > 0).length;
  return {
    apiVersion: 1,
    command,
    short,
    machine: { cpu: cpus()[0]?.model ?? 'unknown', cpus: cpus().length, kernel: release(), node: process.versions.node },
    sidestep: version,
    passed: passed + floors,
    failed,
    suites: rows,
  };
}

const percent = (share: number): string => `${(share * 100).toFixed(0)} %`;
const plainNumber = (value: number): string => value.toLocaleString('en');

/** A line of the table in docs/conformance.md. */
export function cells(row: Row): string[] {
  const { shares, floor } = row;
  const share = (what: 'connections' | 'bytes'): string =>
    (shares === undefined || shares[what].eligible === 0 ? '-' : percent(shares.share[what])) + ` (${percent(floor[what])})`;
  return [
    row.suite, plainNumber(row.checks), String(row.differences.length), String(row.unstable.length),
    ...(shares === undefined ? ['-', '-', '-', '-', '-'] : [
      plainNumber(shares.connections.seen), plainNumber(shares.connections.accelerated), share('connections'),
      `${plainNumber(Math.round(shares.bytes.redirected / 1e6))} MB`, share('bytes'),
    ]),
  ];
}

export const HEADINGS = ['suite', 'checks', 'differ', 'unstable', 'connections', 'accelerated', 'share (floor)', 'redirected', 'share (floor)'];

const WIDTHS = [22, 7, 7, 9, 12, 12, 15, 11, 15];

export const line = (columns: readonly string[]): string =>
  columns.map((text, index) => (index === 0 ? text.padEnd(WIDTHS[0]!) : text.padStart(WIDTHS[index]!))).join('');

const told = (word: string) => ({ check, plain, accelerated }: Difference): string =>
  `  ${word}: ${check}: plain ${plain || 'not run'}; accelerated ${accelerated || 'not run'}`;

/** What stands below the line of a suite. */
export function details(row: Row): string[] {
  const reasons = Object.entries(row.shares?.reasons ?? {}).filter(([reason]) => reason !== 'redirected');
  return [
    ...(reasons.length === 0 ? [] : [`  on TCP: ${reasons.map(([reason, count]) => `${reason} ${count}`).join(', ')}`]),
    ...(row.shares?.resets ? [`  ${row.shares.resets} connections were reset by the agent`] : []),
    ...row.differences.map(told('differs')),
    ...row.known.map(told('known limit')),
    ...row.unstable.map(told('unstable, plain TCP does not agree with itself')),
    ...row.problems.map((problem) => `  ${problem}`),
  ];
}
