// SPDX-License-Identifier: Apache-2.0
/** npm run conformance: every suite on plain TCP and again under an agent, compared check by check. */
import { writeFileSync } from 'node:fs';
import { alive, leftovers, remove } from '../helpers/kernel.js';
import { Both, type Row } from './both.js';
import { readOptions, usage, UsageError, type Options } from './options.js';
import { removeOldFolders } from './place.js';
import { details, HEADINGS, line, cells, reportOf } from './report.js';
import { takeDown } from './standing.js';
import type { Suite } from './suite.js';
import { SUITES } from './suites/index.js';
import { Turn } from './turn.js';

function optionsOrExit(): Options {
  try {
    const options = readOptions(process.argv.slice(2), SUITES.map(({ name }) => name));
    if (options !== undefined) return options;
    process.stdout.write(usage);
    process.exit(0);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`${error.message}\n\n${usage}`);
    process.exit(2);
  }
}

/** First all on plain TCP, which anybody may do at any time; then all accelerated, in turn with others on this machine. */
async function runAll(suites: readonly Suite[], short: boolean): Promise<Row[]> {
  const turn = new Turn();
  const all = suites.map((suite) => new Both(suite, short, turn));
  try {
    for (const both of all) await both.plain();
    const seconds = all.reduce((sum, { row }) => sum + row.seconds.plain, 0);
    console.log(`${all.length} suites ran on plain TCP, in ${Math.round(seconds)} s; now accelerated`);
    console.log(line(HEADINGS));
    for (const both of all) {
      await both.accelerated();
      console.log([line(cells(both.row)), ...details(both.row)].join('\n'));
    }
  } finally {
    turn.give();
    for (const both of all) both.end();
  }
  return all.map(({ row }) => row);
}

const { short, only, list, out } = optionsOrExit();
const wanted = SUITES.filter(({ name }) => only.length === 0 || only.some((text) => name.includes(text)));
if (list) {
  for (const { name, about, why } of wanted) console.log(`${name.padEnd(24)}${about}${why === undefined ? '' : ` (${why})`}`);
  process.exit(0);
}
for (const path of leftovers((pid) => !alive(pid))) await remove(path);
removeOldFolders();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => { void takeDown().finally(() => process.exit(130)); });
const rows = await runAll(wanted, short);
const report = reportOf(rows, short, ['npm run conformance --', ...process.argv.slice(2)].join(' '));
if (out !== undefined) writeFileSync(out, `${JSON.stringify(report, null, 2)}\n`);
const good = rows.filter(({ differences, problems }) => differences.length + problems.length === 0).length;
console.log(`${good} of ${rows.length} suites are the same on plain TCP and accelerated, and were accelerated as far as their floors ask`);
process.exit(good === rows.length ? 0 : 1);
