// SPDX-License-Identifier: Apache-2.0
/** One suite on plain TCP, and again under a real agent. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AdminClient } from '../../agent/admin/client.js';
import { socketPath } from '../../agent/admin/socket.js';
import { findCgroup2 } from '../../agent/datapath/cgroup.js';
import { eventually, kernelComplaints } from '../helpers/kernel.js';
import { Ground } from '../helpers/real-agent.js';
import { isBad } from './checks.js';
import { compare, isKnown, judge, notSeen, type Difference, type Verdict } from './compare.js';
import { FOLDERS, Place } from './place.js';
import { closedIn, sharesOf, under, type Shares } from './shares.js';
import { standingUp } from './standing.js';
import type { Outcomes, Suite } from './suite.js';
import type { Turn } from './turn.js';

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
  /** For people, never for a verdict. */
  readonly seconds: { plain: number; accelerated: number };
}

interface Run {
  readonly outcomes: Outcomes;
  readonly seconds: number;
}

function missing(suite: Suite): string[] {
  return suite.needs.filter((command) => spawnSync('bash', ['-c', `command -v ${command}`]).status !== 0)
    .map((command) => `not run: ${command} is not installed; run: scripts/bootstrap conformance`);
}

export class Both {
  readonly row: Row;
  #plain: Outcomes = new Map();
  readonly #prepared = mkdtempSync(join(tmpdir(), `${FOLDERS}${process.pid}-`));

  constructor(private readonly suite: Suite, private readonly short: boolean, private readonly turn: Turn) {
    this.row = {
      suite: suite.name, settings: suite.settings ?? [], floor: suite.floor, checks: 0, differences: [], unstable: [], known: [],
      shares: undefined, problems: missing(suite), seconds: { plain: 0, accelerated: 0 },
    };
  }

  /** The reference. */
  plain(): Promise<void> {
    return this.#unlessFailed(async () => {
      await this.suite.prepare?.(this.#prepared);
      const { outcomes, seconds } = await this.#plainly();
      this.#plain = outcomes;
      this.row.checks = outcomes.size;
      Object.assign(this.row.seconds, { plain: seconds });
      if (outcomes.size === 0) this.row.problems.push('it ran no check');
      if (this.suite.upstream) return;
      const bad = [...outcomes].filter(([, outcome]) => isBad(outcome));
      this.row.problems.push(...bad.map(([check, outcome]) => `bad on plain TCP: ${check}: ${outcome}`));
    });
  }

  async accelerated(): Promise<void> {
    const complaints = kernelComplaints();
    await this.#unlessFailed(async () => {
      const { row, suite } = this;
      const { outcomes, seconds, shares } = await this.#fast();
      row.shares = shares;
      Object.assign(row.seconds, { accelerated: seconds });
      const all = compare(this.#plain, outcomes);
      row.known = all.filter(({ check }) => isKnown(suite, check));
      const differences = this.#surprising(all);
      if (differences.length > 0) await this.#again(differences);
      row.problems.push(...notSeen(suite, this.#plain, row.known), ...under(shares, suite.floor));
    });
    this.row.problems.push(...kernelComplaints().slice(complaints.length).map((line) => `the kernel complained: ${line}`));
  }

  end(): void {
    rmSync(this.#prepared, { recursive: true, force: true });
  }

  #surprising(differences: readonly Difference[]): Difference[] {
    return differences.filter(({ check }) => !isKnown(this.suite, check));
  }

  async #again(differences: Difference[]): Promise<void> {
    const plain = (await this.#plainly()).outcomes;
    const again = this.#surprising(compare(plain, (await this.#fast()).outcomes));
    Object.assign(this.row, judge({ plain: this.#plain, differences }, { plain, differences: again }));
  }

  async #unlessFailed(what: () => Promise<void>): Promise<void> {
    if (this.row.problems.some((problem) => problem.startsWith('not run'))) return;
    try {
      await what();
    } catch (error) {
      this.row.problems.push(`not run to its end: ${(error as Error).message}`);
    }
  }

  #plainly(): Promise<Run> {
    return this.#inPlace(findCgroup2(), () => Promise.resolve());
  }

  /** A fresh agent for each run: what one program does does not speak for another. */
  async #fast(): Promise<Run & { shares: Shares }> {
    await this.turn.have();
    const ground = new Ground();
    return standingUp(() => ground.clean(), async () => {
      const agent = await ground.ready(['log.level=debug', 'datapath.eventBuffer=16MiB', 'placement.brief=0', ...this.row.settings].flatMap((setting) => ['--set', setting]));
      const admin = new AdminClient(socketPath(ground.runDir));
      const run = await this.#inPlace(ground.cgroup, () =>
        // Sockets that wait for their peers in FIN_WAIT2 may stay for a minute: they are not waited for.
        eventually(async () => ((await admin.pairs()).pairs.length === 0 ? '' : 'pairs are left'), 3000).catch(() => undefined));
      const { counters } = await admin.counters();
      await agent.stop();
      return { ...run, shares: sharesOf(counters, closedIn(agent.stderr)) };
    });
  }

  /** `emptied`: what has to be waited for once nothing runs any more. */
  #inPlace(above: string, emptied: () => Promise<void>): Promise<Run> {
    const place = new Place(above, this.short, this.#prepared);
    return standingUp(() => place.remove(), async () => {
      const began = performance.now();
      const outcomes = await this.suite.run(place);
      const seconds = Math.round((performance.now() - began) / 100) / 10;
      await place.empty();
      await emptied();
      return { outcomes, seconds };
    });
  }
}
