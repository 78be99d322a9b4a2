// SPDX-License-Identifier: Apache-2.0
/** table.js FILE: what `npm run conformance -- --out FILE` wrote, as the tables of docs/conformance.md. */
import { readFileSync } from 'node:fs';
import type { Difference } from './compare.js';
import { cells, HEADINGS, type Report } from './report.js';

const row = (columns: readonly string[]): string => `| ${columns.join(' | ')} |`;
const { machine, suites, command, sidestep } = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as Report;
const told = (suite: string, differences: readonly Difference[]): string[] =>
  differences.map(({ check, plain, accelerated }) => row([suite, check, plain || 'not run', accelerated || 'not run']));

console.log(`${machine.cpus} x ${machine.cpu}, Linux ${machine.kernel}, Node.js ${machine.node}, Sidestep ${sidestep}: \`${command.trim()}\`\n`);
console.log([row(HEADINGS), row(HEADINGS.map((_, index) => (index === 0 ? '---' : '---:'))), ...suites.map((suite) => row(cells(suite)))].join('\n'));
for (const kind of ['differences', 'unstable', 'known'] as const) {
  const rows = suites.flatMap((suite) => told(suite.suite, suite[kind]));
  if (rows.length > 0) console.log(['', `${kind}:`, '', row(['suite', 'check', 'plain', 'accelerated']), row(['---', '---', '---', '---']), ...rows].join('\n'));
}
