// SPDX-License-Identifier: Apache-2.0
/** One suite on plain TCP, and again under a real agent. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AdminClient } from '../../agent/admin/client.js';
import { socketPath } from '../../agent/admin/socket.js';
import { findCgroup2 } from '../../agent/datapath/cgroup.js';
import { eventually, kernelComplaints, takeLock } from '../helpers/kernel.js';
import { Ground } from '../helpers/real-agent.js';
import { isBad } from './checks.js';
import { compare, isKnown, judge, notSeen, type Difference, type Verdict } from './compare.js';
import { Place } from './place.js';
import { closedIn, sharesOf, under, type Shares } from './shares.js';
import type { Outcomes, Suite } from './suite.js';

/** Others may test on this machine, one suite after the other. */
const PATIENCE_S = 900;

export interface Row extends Verdict {
  readonly suite: string;
  readonly settings: readonly string[];
  readonly floor: Suite['floor'];
  checks: number;
  /** Differences that docs/limits.md states. */
  known: readonly Difference[];
  shares: Shares | undefined;
  /** What else is wrong, in words: under the floor, not run, bad on plain TCP, the kernel complained. */
  readonly problems: string[];
  readonly seconds: { plain: number; accelerated: number };
}

/** A run, and how long it took: for people, never for a verdict. */
async function timed(suite: Suite, above: string, how: { short: boolean; prepared: string }, emptied: () => Promise<void>): Promise<{ outcomes: Outcomes; seconds: number }> {
  const place = new Place(above, how.short, how.prepared);
  const began = performance.now();
  try {
    const outcomes = await suite.run(place);
    const seconds = Math.round((performance.now() - began) / 100) / 10;
    await place.empty();
    await emptied();
    return { outcomes, seconds };
  } finally {
    await place.remove();
  }
}

/** A fresh agent for each run: what one program does does not speak for another. */
async function accelerated(suite: Suite, how: { short: boolean; prepared: string }): Promise<{ outcomes: Outcomes; seconds: number; shares: Shares }> {
  const release = await takeLock(PATIENCE_S);
  const ground = new Ground();
  try {
    const agent = await ground.ready(['log.level=debug', ...(suite.settings ?? [])].flatMap((setting) => ['--set', setting]));
    const admin = new AdminClient(socketPath(ground.runDir));
    const run = await timed(suite, ground.cgroup, how, () =>
      // Sockets that wait for their peers in FIN_WAIT2 may stay for a minute: they are not waited for.
      eventually(async () => ((await admin.pairs()).pairs.length === 0 ? '' : 'pairs are left'), 3000).catch(() => undefined));
    const { counters } = await admin.counters();
    await agent.stop();
    return { ...run, shares: sharesOf(counters, closedIn(agent.stderr)) };
  } finally {
    await ground.clean();
    release();
  }
}

function missing(suite: Suite): string[] {
  return suite.needs.filter((command) => spawnSync('bash', ['-c', `command -v ${command}`]).status !== 0)
    .map((command) => `not run: ${command} is not installed; run: scripts/bootstrap conformance`);
}

function badChecks(suite: Suite, plain: Outcomes): string[] {
  if (suite.upstream) return [];
  return [...plain].filter(([, outcome]) => isBad(outcome)).map(([check, outcome]) => `bad on plain TCP: ${check}: ${outcome}`);
}

async function fill(row: Row, suite: Suite, how: { short: boolean; prepared: string }): Promise<void> {
  await suite.prepare?.(how.prepared);
  const plainRun = (): ReturnType<typeof timed> => timed(suite, findCgroup2(), how, () => Promise.resolve());
  const plain = await plainRun();
  const fast = await accelerated(suite, how);
  row.checks = plain.outcomes.size;
  row.shares = fast.shares;
  Object.assign(row.seconds, { plain: plain.seconds, accelerated: fast.seconds });
  const all = compare(plain.outcomes, fast.outcomes);
  row.known = all.filter(({ check }) => isKnown(suite, check));
  const differences = all.filter(({ check }) => !isKnown(suite, check));
  if (differences.length > 0) {
    const again = await plainRun();
    const fastAgain = await accelerated(suite, how);
    Object.assign(row, judge({ plain: plain.outcomes, differences }, {
      plain: again.outcomes,
      differences: compare(again.outcomes, fastAgain.outcomes).filter(({ check }) => !isKnown(suite, check)),
    }));
  }
  row.problems.push(...badChecks(suite, plain.outcomes), ...notSeen(suite, plain.outcomes, row.known), ...under(fast.shares, suite.floor));
  if (row.checks === 0) row.problems.push('it ran no check');
}

export async function both(suite: Suite, short: boolean): Promise<Row> {
  const row: Row = {
    suite: suite.name, settings: suite.settings ?? [], floor: suite.floor, checks: 0, differences: [], unstable: [], known: [],
    shares: undefined, problems: missing(suite), seconds: { plain: 0, accelerated: 0 },
  };
  if (row.problems.length > 0) return row;
  const prepared = mkdtempSync(join(tmpdir(), 'sidestep-prepared-'));
  const complaints = kernelComplaints();
  try {
    await fill(row, suite, { short, prepared });
  } catch (error) {
    row.problems.push(`not run to its end: ${(error as Error).message}`);
  } finally {
    rmSync(prepared, { recursive: true, force: true });
  }
  row.problems.push(...kernelComplaints().slice(complaints.length).map((line) => `the kernel complained: ${line}`));
  return row;
}
