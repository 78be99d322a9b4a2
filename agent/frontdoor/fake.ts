/** The front door in memory, for tests: rows are set from outside, what was told is kept in `calls`. */
import { SidestepError } from '../errors.js';
import type { FrontDoorConfig } from '../../config/frontdoor-types.js';
import { OUTCOME_NAMES, type DoorHost, type DoorLook, type DoorRow, type Doors, type DoorTotals, type Outcome, type Target } from './types.js';

export const fakeOutcomes = (over: Partial<Record<Outcome, number>> = {}): Record<Outcome, number> =>
  ({ ...Object.fromEntries(OUTCOME_NAMES.map((name) => [name, 0])) as Record<Outcome, number>, ...over });

export class FakeDoors implements Doors {
  readonly calls: string[] = [];
  rows: DoorRow[] = [];
  totals: DoorTotals[] = [];
  /** Ports that somebody else has. */
  readonly taken = new Set<number>();

  open({ name, address, port }: FrontDoorConfig): void {
    if (this.taken.has(port)) throw new SidestepError('frontdoor_address', `${address}:${port}`);
    this.calls.push(`open ${name} ${address}:${port}`);
    this.rows.push({ name, address, port, open: true, active: 0, backends: [] });
    if (!this.totals.some((one) => one.name === name)) this.totals.push({ name, bytesIn: 0, bytesOut: 0, outcomes: fakeOutcomes() });
  }
  configure({ name, maxConnections }: FrontDoorConfig): void { this.calls.push(`configure ${name} ${maxConnections}`); }
  setBackends(name: string, backends: readonly Target[]): void {
    this.calls.push(`backends ${name} ${backends.map(({ address, port, weight }) => `${address}:${port}=${weight}`).join(' ')}`);
    this.rows = this.rows.map((row) => row.name !== name ? row
      : { ...row, backends: backends.map((one) => ({ ...one, active: 0, total: 0, failures: 0, failuresInRow: 0 })) });
  }
  shut(name: string): void {
    this.calls.push(`shut ${name}`);
    this.rows = this.rows.map((row) => (row.name === name ? { ...row, open: false } : row));
  }
  cut(name = ''): void {
    this.calls.push(`cut ${name}`);
    this.rows = this.rows.filter((row) => row.open || (name !== '' && row.name !== name));
  }
  look(): DoorLook {
    this.rows = this.rows.filter((row) => row.open || row.active > 0);
    return { listeners: this.rows, totals: this.totals };
  }
  close(): void { this.calls.push('close'); }
}

export class FakeDoorHost implements DoorHost {
  readonly doors = new FakeDoors();
  opened = 0;

  open(): Doors {
    this.opened++;
    return this.doors;
  }
}
