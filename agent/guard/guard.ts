/**
 * The guard's memory. The kernel learns how workloads read; here that is kept under names that last, and given back to
 * the kernel when such a workload appears: at start, and with the first sign of one that is new.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Datapath, ExecutableFile, HostProcess, Profile, Reads } from '../datapath/types.js';
import type { Log } from '../log.js';
import { basedOn, between, isHazard, join, NO_READS, reputeOf, same, shown, unknownTo, type Conduct } from './conduct.js';
import type { Identifier } from './identify.js';
import { isInterpreter } from './interpreters.js';
import { ANY_PROGRAM, decideWith, idOf, NO_EVIDENCE, type Evidence, type KnownProfile, type Subject } from './known.js';
import type { ProfileStore } from './store.js';
import type { Found, Subjects } from './subjects.js';

export interface GuardOptions {
  readonly datapath: Datapath;
  readonly store: ProfileStore;
  /** Lists that are read only. */
  readonly listed: readonly KnownProfile[];
  readonly subjects: Subjects;
  readonly identifier: Identifier;
  readonly log: Log;
}

/** A workload that is there now. */
export interface Met extends Found {
  readonly process: HostProcess;
  /** What of its reads is kept already, or was not its own. */
  base: Reads;
}

/** An executable whose new workloads are given a repute by the kernel itself. */
interface Published {
  readonly file: ExecutableFile & { comm: string };
  readonly program: string;
  readonly splices: boolean;
}

/** After the sign of something new, and after a hazard: others wait for that one to be known. */
const LOOK_MS = 500;
const LOOK_AT_ONCE_MS = 10;
/** For what comes without a sign. */
const LOOK_ANYWAY_MS = 30_000;
/** Between two batches of new workloads: whoever makes thousands of them gets no faster answers. */
const MEET_MS = 50;
/** As many as the kernel has room for. */
const mostPublished = 1024;

export class Guard {
  readonly #options: GuardOptions;
  readonly #workloads = new Map<string, Met>();
  /** Workloads that nobody could name, by the process that was asked. */
  readonly #nameless = new Map<string, number>();
  readonly #published = new Map<string, Published>();
  readonly #appeared = new Set<string>();
  #work: Promise<unknown> = Promise.resolve();
  #looking: NodeJS.Timeout | undefined;
  #lookDue = Infinity;
  #anyway: NodeJS.Timeout | undefined;
  #batch: Promise<void> | undefined;
  #metAt = -Infinity;
  #stopped = false;
  /** What other hosts say. */
  #others: readonly KnownProfile[] = [];

  constructor(options: GuardOptions) {
    this.#options = options;
  }

  get problem(): string { return this.#options.store.problem; }

  /** Everything that is believed of somebody: what is kept, and the lists. */
  known(): KnownProfile[] { return [...this.#options.store.all(), ...this.#options.listed]; }
  /** What other hosts say, which counts for less. */
  get others(): readonly KnownProfile[] { return this.#others; }
  met(workload: string): Met | undefined { return this.#workloads.get(workload); }
  /** By command name, or by the id of the workload or of its profile. */
  matching(which: string): Met[] {
    return [...this.#workloads.values()].filter(({ process, subject }) =>
      process.comm === which || process.id === which || idOf(subject) === which);
  }
  isFromFile(profile: KnownProfile): boolean { return this.#options.store.isFromFile(idOf(profile)); }

  /** Resolves when what runs now has been looked at. */
  async start(): Promise<void> {
    const { datapath } = this.#options;
    datapath.onWorkload((workload) => this.#appear(workload));
    datapath.onEvents((events) => {
      if (events.some(({ type }) => type === 'refused' || type === 'fallback'))
        this.#lookIn(events.some(({ reason }) => isHazard(reason)) ? LOOK_AT_ONCE_MS : LOOK_MS);
    });
    this.#anyway = setInterval(() => { this.#lookIn(0); }, LOOK_ANYWAY_MS).unref();
    await this.serially(async () => {
      for (const profile of this.known()) await this.#register(profile);
      // Rows of an agent before this one know what was read already; of other processes, those matter that are known.
      for (const row of datapath.profiles()) await this.#meet(row);
      const names = new Set(this.known().map(({ name }) => name));
      for (const process of datapath.processes()) if (names.has(process.comm) && !this.#workloads.has(process.id)) await this.#meet(process);
    });
    await this.look();
  }

  /** Keeps what was seen last. */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    try {
      await this.look();
    } finally {
      this.#stopped = true;
      clearTimeout(this.#looking);
      clearInterval(this.#anyway);
      await this.#options.store.flush();
    }
  }

  /** One thing at a time: what is decided must still hold when it is written. */
  serially<T>(task: () => Promise<T>): Promise<T> {
    const done = this.#work.then(task);
    this.#work = done.catch(() => undefined);
    return done;
  }

  /** Keeps what the workloads have shown until now. */
  look(): Promise<void> {
    return this.serially(async () => {
      if (this.#stopped) return;
      const rows = this.#options.datapath.profiles();
      const there = new Set(rows.map(({ id }) => id));
      for (const id of this.#workloads.keys()) if (!there.has(id)) this.#workloads.delete(id);
      for (const id of this.#nameless.keys()) if (!there.has(id)) this.#nameless.delete(id);
      for (const row of rows) {
        const met = this.#workloads.get(row.id);
        if (met?.process.comm !== row.comm) await this.#meet(row);
        await this.#keep(row);
      }
    });
  }

  /** Rows of this name or number that belong to nobody who could be named. */
  forgetNameless(which: string): { id: string; name: string; place: string }[] {
    const { datapath } = this.#options;
    const rows = datapath.profiles().filter(({ id, comm }) => (id === which || comm === which) && !this.#workloads.has(id));
    for (const { id } of rows) datapath.forget(id);
    return rows.map(({ id, comm }) => ({ id, name: comm, place: '' }));
  }

  /** Gives every workload and program what is believed of them by now. `forget`: whose row must go first. */
  async reseed(forget: (met: Met) => boolean = () => false): Promise<void> {
    const { datapath } = this.#options;
    for (const profile of this.known()) await this.#register(profile);
    for (const met of this.#workloads.values()) {
      if (forget(met)) {
        datapath.forget(met.process.id);
        met.base = NO_READS;
      }
      this.#seed(met);
    }
    for (const key of this.#published.keys()) this.#publish(key);
  }

  /** Takes the place of what other hosts said before. */
  hear(others: readonly KnownProfile[]): Promise<void> {
    return this.serially(async () => {
      this.#others = others;
      if (!this.#stopped) await this.reseed();
    });
  }

  #believe(subject: Subject): Conduct | undefined {
    return decideWith(this.known(), this.#others, subject);
  }

  #lookIn(ms: number): void {
    const due = performance.now() + ms;
    if (this.#stopped || due >= this.#lookDue) return;
    this.#lookDue = due;
    clearTimeout(this.#looking);
    this.#looking = setTimeout(() => {
      this.#lookDue = Infinity;
      this.look().catch((error: unknown) => { this.#complain(error); });
    }, ms).unref();
  }

  #appear(workload: string): Promise<void> {
    this.#appeared.add(workload);
    this.#batch ??= this.#meetAppeared().catch((error: unknown) => { this.#complain(error); });
    return this.#batch;
  }

  async #meetAppeared(): Promise<void> {
    await sleep(Math.max(0, this.#metAt + MEET_MS - performance.now()), undefined, { ref: false });
    const ids = new Set(this.#appeared);
    this.#appeared.clear();
    this.#batch = undefined;
    await this.serially(async () => {
      this.#metAt = performance.now();
      if (this.#stopped) return;
      for (const row of this.#options.datapath.profiles()) if (ids.has(row.id)) await this.#meet(row);
    });
  }

  async #meet(process: HostProcess & { reads?: Reads }): Promise<void> {
    const { store, subjects } = this.#options;
    const { id, pid, comm, cgroup, exeInode, exeDev, exeChanged, reads = NO_READS } = process;
    if (this.#nameless.get(id) === pid) return;
    const found = await subjects.of(process);
    if (!found) {
      this.#workloads.delete(id);
      this.#nameless.set(id, pid);
      return;
    }
    // A row that is there already may have been kept by an agent before this one, and may be of another script.
    const isKept = found.subject.interpreter || store.get(idOf(found.subject)) !== undefined;
    const file = { exeInode, exeDev, exeChanged };
    const met: Met = { ...found, process: { id, pid, comm, cgroup, ...file }, base: isKept ? reads : NO_READS };
    this.#workloads.set(id, met);
    if (!found.subject.interpreter) this.#announce({ ...file, comm }, found.subject);
    this.#seed(met);
  }

  #seed(met: Met): void {
    const conduct = this.#believe(met.subject);
    if (!conduct) {
      this.#options.datapath.seed(met.process, unknownTo(met.subject.splices && !met.subject.interpreter));
      return;
    }
    this.#options.datapath.seed(met.process, reputeOf(conduct));
    met.base = basedOn(met.base, conduct);
  }

  async #keep(row: Profile): Promise<void> {
    const { store, subjects } = this.#options;
    const met = this.#workloads.get(row.id);
    const reads = met && between(met.base, row.reads);
    const seen = reads && shown(row, reads);
    if (!seen) return;
    const before = store.get(idOf(met.subject));
    const conduct = before ? join(before, seen) : seen;
    const isNews = !before || !same(before, conduct);
    if (isNews && met.subject.interpreter) {
      // Another script may have joined the workload meanwhile.
      const again = await subjects.of(row);
      if (!again || idOf(again.subject) !== idOf(met.subject)) {
        this.#workloads.delete(row.id);
        return;
      }
    }
    met.base = row.reads;
    const goesOn = before?.state === conduct.state ? before : undefined;
    store.put(profileOf(met, conduct, plus(before?.evidence ?? NO_EVIDENCE, reads), goesOn), !isNews);
    if (!isNews) return;
    const { name, program } = met.subject;
    this.#options.log.info('learned how a program reads', { name, state: conduct.state, reason: conduct.reason || undefined, program, place: met.subject.place });
    for (const [key, published] of this.#published) if (published.program === program) this.#publish(key);
  }

  /** An entry that knows a path is a chance to be ready before the program starts. */
  async #register({ executable, program, name, script }: KnownProfile): Promise<void> {
    if (executable === '' || script !== '' || isInterpreter(executable.slice(executable.lastIndexOf('/') + 1))) return;
    const file = await this.#options.identifier.at(executable);
    if (file && (program === ANY_PROGRAM || program === file.program)) this.#announce({ ...file, comm: name }, file);
  }

  #announce({ exeInode, exeDev, exeChanged, comm }: ExecutableFile & { comm: string }, { program, splices }: Pick<Subject, 'program' | 'splices'>): void {
    const key = [exeDev, exeInode, exeChanged, comm].join(' ');
    if (!this.#published.has(key) && this.#published.size >= mostPublished) return;
    this.#published.set(key, { file: { exeInode, exeDev, exeChanged, comm }, program, splices });
    this.#publish(key);
  }

  #publish(key: string): void {
    const published = this.#published.get(key);
    if (!published) return;
    const { file, program, splices } = published;
    // A place that nobody has been to.
    const newcomer: Subject = { program, name: file.comm, script: '', place: '*', interpreter: false, splices };
    const conduct = this.#believe(newcomer);
    const unknown = splices ? unknownTo(true) : undefined;
    this.#options.datapath.setRepute(file, conduct && conduct.state !== 'blocking' ? reputeOf(conduct) : unknown);
  }

  #complain(error: unknown): void {
    if (!this.#stopped) this.#options.log.warn('profiles could not be brought up to date', { error });
  }
}

function plus(evidence: Evidence, reads: Reads): Evidence {
  const keys = Object.keys(NO_EVIDENCE) as (keyof Evidence)[];
  return Object.fromEntries(keys.map((key) => [key, evidence[key] + reads[key]])) as unknown as Evidence;
}

/** `before`: the profile that this one goes on with. */
function profileOf({ subject, executable }: Met, conduct: Conduct, evidence: Evidence, before?: KnownProfile): KnownProfile {
  const { program, name, script, place } = subject;
  const now = new Date().toISOString();
  return {
    program, name, script, place, ...conduct, executable, since: before?.since ?? now, seen: now, evidence,
    origin: before?.origin ?? 'learned',
  };
}
