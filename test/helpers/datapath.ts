// SPDX-License-Identifier: Apache-2.0
/** A datapath of its own for each test: fresh cgroup, fresh pins, and nothing left afterwards whatever happens. */
import { mkdirSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { findCgroup2 } from '../../agent/datapath/cgroup.js';
import type { ConnectionEvent, Counters, MapInfo, Pair } from '../../agent/datapath/types.js';
import type { ReasonName } from '../../agent/datapath/reasons.js';
// The one place of this suite that opens the kernel's door; tests see the types of agent/datapath.
// eslint-disable-next-line no-restricted-imports
import { native, objectPath, type NativeDatapath, type NativeOptions, type NativeRetirePass } from '../../native/index.js';
import { freshName } from './kernel.js';
import { BPFFS, eventually, removeCgroup } from './kernel-lock.js';
import { Program, startPython, type Report, type Where } from './program.js';

export function optionsFor(name: string, over: Partial<NativeOptions> = {}): NativeOptions {
  return {
    objectPath: objectPath(), cgroupPath: join(findCgroup2(), name), pinPath: join(BPFFS, name), unified: true, enabled: true, observe: false,
    trustListeners: true, maxPairs: 4096, maxHalfOpen: 4096, maxListeners: 1024, maxEdges: 64, queueBytes: 262_144, eventBuffer: 1 << 18,
    // Wide open, so that both paths mix in mode split as well; what its bound does is in split.test.ts.
    splitBytes: 1 << 30,
    tellAll: true, verifierLog: false, queueWait: false, scope: [], windowMs: 0, windowConnections: 1, windowBytes: 0,
    streamMessages: 0, streamNs: 0, streamBytes: 0, stayMs: 0, briefTurns: 0, follow: 1, refreshMs: 0, ...over,
  };
}

export class TestDatapath {
  readonly options: NativeOptions;
  readonly events: ConnectionEvent[] = [];
  /** Workloads that were announced. */
  readonly workloads: string[] = [];
  readonly #programs: Program[] = [];
  readonly #cgroups: string[] = [];
  readonly #undo: (() => void)[] = [];
  readonly #inner: TestDatapath[] = [];
  native: NativeDatapath;

  constructor(over: Partial<NativeOptions> = {}) {
    this.options = optionsFor(freshName(), over);
    mkdirSync(this.options.cgroupPath, { recursive: true });
    try {
      this.native = this.open();
    } catch (error) {
      rmSync(this.options.pinPath, { recursive: true, force: true });
      rmdirSync(this.options.cgroupPath);
      throw error;
    }
  }

  /** Opens one more on the same pins, as an agent that starts after another. */
  open(over: Partial<NativeOptions> = {}): NativeDatapath {
    const opened = new native.NativeDatapath({ ...this.options, ...over });
    opened.onEvents((events) => {
      for (const event of events as (ConnectionEvent | { type: 'workload'; id: string })[]) {
        if (event.type === 'workload') this.workloads.push(event.id);
        else this.events.push(event);
      }
      // What the agent would do: the one that was left waiting has to be told.
      if ((events as ConnectionEvent[]).some(({ reason }) => reason === 'unread_close')) opened.retirePass('leaving').catch(() => undefined);
    });
    this.native = opened;
    return opened;
  }

  get cgroup(): string { return this.options.cgroupPath; }
  get tookOver(): boolean { return this.native.info()['tookOver'] as boolean; }
  counters(): Counters { return this.native.counters() as Counters; }
  pairs(): Pair[] { return this.native.pairs() as Pair[]; }
  entries(map: string): number { return (this.native.maps() as MapInfo[]).find(({ name }) => name === map)!.entries; }
  redirected(): number { return this.counters().bytes.redirected; }
  retirePass(which?: string): Promise<NativeRetirePass> { return this.native.retirePass(which); }
  settings(over: { enabled?: boolean; observe?: boolean; queueBytes?: number }): void {
    this.native.applySettings({ enabled: true, observe: false, queueBytes: this.options.queueBytes, ...over });
  }

  /** A second datapath, on a cgroup of its own or of `over`. It ends with this one. */
  another(over: Partial<NativeOptions> = {}): TestDatapath {
    const other = new TestDatapath(over);
    this.#inner.push(other);
    return other;
  }

  /** A cgroup that no datapath watches, or one inside the watched one. */
  newCgroup(parent = findCgroup2()): string {
    const path = join(parent, freshName());
    mkdirSync(path);
    this.#cgroups.push(path);
    return path;
  }

  command(command: readonly string[], where: Where = {}): Program {
    const program = new Program(command, { cgroup: this.cgroup, ...where });
    this.#programs.push(program);
    return program;
  }

  start(program: string, options: object = {}, where: Where = {}): Program {
    const started = startPython(program, options, { cgroup: this.cgroup, ...where });
    this.#programs.push(started);
    return started;
  }

  /** Runs a program to its good end; resolves to its last report. */
  async run(program: string, options: object = {}, where: Where = {}): Promise<Report> {
    const reports = await this.start(program, options, where).end();
    return reports.at(-1) ?? {};
  }

  undo(step: () => void): void { this.#undo.push(step); }

  async events_(type: ConnectionEvent['type'], reason: ReasonName, count = 1): Promise<void> {
    await eventually(() => {
      const seen = this.events.filter((event) => event.type === type && event.reason === reason).length;
      return seen >= count ? '' : `${seen} of ${count} events ${type}/${reason}; seen: ${JSON.stringify(this.events.map((event) => `${event.type}/${event.reason}`))}`;
    });
  }

  async clean(): Promise<void> {
    for (const program of this.#programs) await program.kill();
    for (const other of this.#inner) await other.clean();
    for (const step of this.#undo.reverse()) step();
    try {
      this.native.uninstall();
    } catch (error) {
      if ((error as { code?: string }).code !== 'closed') throw error;
    } finally {
      rmSync(this.options.pinPath, { recursive: true, force: true });
      for (const path of [...this.#cgroups.reverse(), this.cgroup]) await removeCgroup(path);
    }
  }
}

export async function withDatapath(over: Partial<NativeOptions>, test: (t: TestDatapath) => Promise<void>): Promise<void> {
  const t = new TestDatapath(over);
  try {
    await test(t);
  } finally {
    await t.clean();
  }
}
