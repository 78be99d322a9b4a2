/** The front door in memory, for tests: rows are set from outside, what was told is kept in `calls`. */
import { SidestepError } from '../errors.js';
import type { FrontDoorConfig } from '../../config/frontdoor-types.js';
import { LEFT_NAMES, type Address, type DirectDoor, type DirectKernel, type DirectTally, type Left } from './direct-types.js';
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

const listOf = ({ address, port }: Address): string => `${address}:${port}`;

export class FakeDirect implements DirectKernel {
  /** Why the kernel does not take the program; undefined: it does. */
  refusal: Error | undefined;
  isOpen = false;
  /** Addresses, with port, of sockets that listen on this host. */
  readonly here = new Set<string>();
  others: Address[] = [];
  /** As they were set last: where, and the addresses of backends with their weights. */
  doors: string[] = [];
  set = 0;
  given = 0;
  readonly #keys = new Map<number, string>();

  open(): Promise<DirectKernel> {
    if (this.refusal) return Promise.reject(this.refusal);
    this.isOpen = true;
    return Promise.resolve(this);
  }
  find(backends: readonly (Address & { key: number })[]): Promise<{ why: string[]; others: Address[] }> {
    for (const one of backends) this.#keys.set(one.key, listOf(one));
    return Promise.resolve({ why: backends.map((one) => (this.here.has(listOf(one)) ? '' : 'not here')), others: this.others });
  }
  forget(key: number): void { this.#keys.delete(key); }
  setDoors(doors: readonly DirectDoor[]): void {
    this.set++;
    this.doors = doors.map((door) => [listOf(door), ...door.slots.map(({ key, weight }) => `${this.#keys.get(key) ?? '?'}=${weight}`)].join(' '));
  }
  tally(): DirectTally { return { given: this.given, left: Object.fromEntries(LEFT_NAMES.map((name) => [name, 0])) as Record<Left, number> }; }
  resetTally(): void { this.given = 0; }
  close(): void {
    this.isOpen = false;
    this.doors = [];
  }
}

export class FakeDoorHost implements DoorHost {
  doors = new FakeDoors();
  /** What an earlier agent left. */
  fitting: FakeDoors | undefined;
  others: RunningDoor[] = [];
  started = 0;
  readonly kernel = new FakeDirect();

  direct(): Promise<DirectKernel> { return this.kernel.open(); }

  find(): Promise<FoundDoors> {
    if (this.fitting) this.doors = this.fitting;
    return Promise.resolve({ fitting: this.fitting, others: this.others });
  }
  start(): Promise<Doors> {
    if (this.started++ > 0) this.doors = new FakeDoors();
    return Promise.resolve(this.doors);
  }
}
