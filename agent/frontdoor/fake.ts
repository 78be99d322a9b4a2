/** The front door in memory, for tests: rows are set from outside, what was told is kept in `calls`. */
import { SidestepError } from '../errors.js';
import type { FrontDoorConfig } from '../../config/frontdoor-types.js';
import { ANSWERS, OUTCOME_NAMES, WAIT_BOUNDS, type Answer, type DoorHost, type DoorLook, type DoorRow, type Doors, type DoorTotals, type FoundDoors, type Outcome, type RequestCounts, type RunningDoor, type Target } from './types.js';

export const fakeOutcomes = (over: Partial<Record<Outcome, number>> = {}): Record<Outcome, number> =>
  ({ ...Object.fromEntries(OUTCOME_NAMES.map((name) => [name, 0])) as Record<Outcome, number>, ...over });

export const fakeRequests = (answers: Partial<Record<Answer, number>> = {}, over: Partial<RequestCounts> = {}): RequestCounts => ({
  answers: { ...Object.fromEntries(ANSWERS.map((name) => [name, 0])) as Record<Answer, number>, ...answers },
  waits: [...WAIT_BOUNDS, Infinity].map(() => 0), waited: 0, unreadable: 0, ...over,
});

const words = (backends: readonly Target[]): string => backends.map(({ address, port, weight }) => ` ${address}:${port}=${weight}`).join('');
const rowsOf = (backends: readonly Target[]): DoorRow['backends'] => backends.map((one) => ({ ...one, active: 0, total: 0, failures: 0, failuresInRow: 0 }));

export class FakeDoors implements Doors {
  readonly identity = { pid: 42, version: '9.9.9' };
  readonly calls: string[] = [];
  rows: DoorRow[] = [];
  totals: DoorTotals[] = [];
  /** Ports that somebody else has. */
  readonly taken = new Set<number>();
  readonly gone: Promise<void>;
  /** Ends it. */
  die: () => void = () => undefined;

  constructor() {
    this.gone = new Promise((resolve) => { this.die = resolve; });
  }

  open({ name, address, port }: FrontDoorConfig, backends: readonly Target[]): Promise<void> {
    if (this.taken.has(port)) return Promise.reject(new SidestepError('frontdoor_address', `${address}:${port}`));
    this.rows.push({ name, address, port, open: true, active: 0, backends: rowsOf(backends), descriptors: [] });
    if (!this.totals.some((one) => one.name === name)) this.totals.push({ name, bytesIn: 0, bytesOut: 0, outcomes: fakeOutcomes(), requests: fakeRequests() });
    return this.#note(`open ${name} ${address}:${port}${words(backends)}`);
  }
  configure({ name, maxConnections }: FrontDoorConfig): Promise<void> { return this.#note(`configure ${name} ${maxConnections}`); }
  setBackends(name: string, backends: readonly Target[]): Promise<void> {
    this.rows = this.rows.map((row) => (row.name === name ? { ...row, backends: rowsOf(backends) } : row));
    return this.#note(`backends ${name}${words(backends)}`);
  }
  shut(name: string): Promise<void> {
    this.rows = this.rows.map((row) => (row.name === name ? { ...row, open: false } : row));
    return this.#note(`shut ${name}`);
  }
  look(): Promise<DoorLook> {
    this.rows = this.rows.filter((row) => row.open || row.active > 0);
    return Promise.resolve({ listeners: this.rows, totals: this.totals });
  }
  async leave(withinMs?: number): Promise<number> {
    await this.#note(`leave ${withinMs ?? ''}`.trim());
    this.die();
    return this.rows.reduce((sum, { active }) => sum + active, 0);
  }
  release(): void { void this.#note('release'); }

  #note(call: string): Promise<void> {
    this.calls.push(call);
    return Promise.resolve();
  }
}

export class FakeDoorHost implements DoorHost {
  doors = new FakeDoors();
  /** What an earlier agent left. */
  fitting: FakeDoors | undefined;
  others: RunningDoor[] = [];
  started = 0;

  find(): Promise<FoundDoors> {
    if (this.fitting) this.doors = this.fitting;
    return Promise.resolve({ fitting: this.fitting, others: this.others });
  }
  start(): Promise<Doors> {
    if (this.started++ > 0) this.doors = new FakeDoors();
    return Promise.resolve(this.doors);
  }
}
