/** What this host says, on its way to the bus: many records at a time, and again after a while when they are refused. */
import { wordsOf } from '../errors.js';
import type { Log } from '../log.js';
import { writeAll, type OwnRecords } from './own.js';
import type { BusLink } from './types.js';

/** Writes under way at once. */
const window = 64;

/** The bus as it is now. */
export interface Podium {
  readonly link: BusLink | undefined;
  /** Grows with each; writes of an earlier one only end by time-out. */
  readonly connection: number;
  /** This host has its turn, and nobody else says that it is this host. */
  readonly may: boolean;
}

export class Speaker {
  #pumping = 0;
  #unsaid = '';

  constructor(
    private readonly own: OwnRecords,
    private readonly now: () => Podium,
    private readonly listener: { refused(): void; taken(): void },
    private readonly log: Log,
  ) {}

  /** Why the bus does not have all that this host says; '' when it does. */
  get unsaid(): string { return this.#unsaid; }

  /** Resolves to the number of this sign of life when the bus has it. */
  async alive(): Promise<number | undefined> {
    const { link, connection, may } = this.now();
    if (!link || !may) return undefined;
    const { key, value, sequence } = this.own.alive();
    try {
      await link.put(key, value);
      return sequence;
    } catch (error) {
      this.#failed(connection, error);
      return undefined;
    }
  }

  /** Writes what the bus does not have, and stops at the first refusal. */
  async pump(): Promise<void> {
    const { connection, may } = this.now();
    if (this.#pumping === connection || !may) return;
    this.#pumping = connection;
    try {
      for (let { link } = this.now(), { dirty } = this.own; link && dirty.length > 0 && connection === this.now().connection; { link } = this.now(), { dirty } = this.own)
        await writeAll(link, this.own, dirty.slice(0, window));
      if (this.now().link) {
        this.#unsaid = '';
        this.listener.taken();
      }
    } catch (error) {
      this.#failed(connection, error);
    } finally {
      if (this.#pumping === connection) this.#pumping = 0;
    }
  }

  #failed(connection: number, error: unknown): void {
    if (connection !== this.now().connection) return;
    if (this.#unsaid === '') this.log.warn('the bus does not take what this host says; it is tried again', { because: wordsOf(error) });
    this.#unsaid = `cannot write: ${wordsOf(error)}`;
    this.listener.refused();
  }
}
