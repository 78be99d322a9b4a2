// SPDX-License-Identifier: Apache-2.0
/**
 * npm run conformance [-- --only TEXT] [--out FILE]
 *
 * Runs every suite on plain TCP and again inside a cgroup that a real agent accelerates, and compares test by test.
 * Exit code 0 when nothing differs and something was accelerated, 1 otherwise, 2 for bad usage.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Counters } from '../../agent/datapath/types.js';
import { takeLock } from '../helpers/kernel.js';
import { Ground } from '../helpers/real-agent.js';
import { compare, confirmed, type Difference } from './compare.js';
import { SUITES, type Outcomes, type Suite } from './suites.js';

interface Row {
  suite: string;
  /** '' or why it did not run. */
  skipped: string;
  tests: number;
  differences: Difference[];
  connections: Counters['connections'] | undefined;
  redirectedBytes: number;
}

async function run(suite: Suite, dir: string, cgroup: string | undefined): Promise<Outcomes> {
  const { command, cwd } = suite.command(dir);
  const enter = cgroup === undefined ? [] : ['bash', '-c', 'echo $$ > "$0/cgroup.procs" && exec "$@"', cgroup];
  const child = spawn('timeout', ['--signal=KILL', String(suite.limitMs / 1000), ...enter, ...command], { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => { output += chunk.toString(); });
  await once(child, 'close');
  // A result file of the run before must not speak for one that did not end.
  const outcomes = suite.outcomes(dir, output);
  rmSync(join(dir, 'junit.xml'), { force: true });
  return outcomes;
}

/** A ground and an agent for each suite: what one program does does not speak for another. */
async function both(suite: Suite): Promise<Row> {
  const row: Row = { suite: suite.name, skipped: '', tests: 0, differences: [], connections: undefined, redirectedBytes: 0 };
  const dir = mkdtempSync(join(tmpdir(), 'sidestep-conformance-'));
  const ground = new Ground();
  try {
    row.skipped = suite.prepare(dir);
    if (row.skipped !== '') return row;
    await ground.ready();
    const plain = await run(suite, dir, undefined);
    row.tests = plain.size;
    row.differences = compare(plain, await run(suite, dir, ground.cgroup));
    if (row.differences.length > 0) {
      row.differences = confirmed(row.differences, compare(await run(suite, dir, undefined), await run(suite, dir, ground.cgroup)));
    }
    const counters = ground.counters();
    row.connections = counters.connections;
    row.redirectedBytes = counters.bytes.redirected;
    return row;
  } finally {
    await ground.clean();
    rmSync(dir, { recursive: true, force: true });
  }
}

function print(row: Row): void {
  if (row.skipped !== '') {
    console.log(`${row.suite}: not run: ${row.skipped}`);
    return;
  }
  const counted = Object.entries(row.connections ?? {}).filter(([, count]) => count > 0).map(([reason, count]) => `${reason} ${String(count)}`);
  console.log(`${row.suite}: ${String(row.tests)} tests, ${String(row.differences.length)} differ; connections: ${counted.join(', ') || 'none'}; ${String(row.redirectedBytes)} bytes redirected`);
  for (const { test, plain, accelerated } of row.differences) console.log(`  ${test}: plain ${plain || 'not run'}, accelerated ${accelerated || 'not run'}`);
}

const { values } = parseArgs({ options: { only: { type: 'string' }, out: { type: 'string' } } });
const wanted = SUITES.filter(({ name }) => name.includes(values.only ?? ''));
if (wanted.length === 0) {
  console.error(`no suite has "${values.only ?? ''}" in its name; there are: ${SUITES.map(({ name }) => name).join(', ')}`);
  process.exit(2);
}
const release = await takeLock();
const rows: Row[] = [];
for (const suite of wanted) {
  const row = await both(suite);
  rows.push(row);
  print(row);
}
release();
const ran = rows.filter(({ skipped }) => skipped === '');
const good = ran.filter(({ tests, differences }) => tests > 0 && differences.length === 0).length;
const redirected = ran.some(({ redirectedBytes }) => redirectedBytes > 0);
if (values.out !== undefined) writeFileSync(values.out, `${JSON.stringify({ apiVersion: 1, suites: rows }, null, 2)}\n`);
console.log(`${String(good)} of ${String(ran.length)} suites are the same on plain TCP and accelerated${redirected ? '' : '; nothing was accelerated, so nothing was proven'}`);
process.exit(good === ran.length && redirected ? 0 : 1);
