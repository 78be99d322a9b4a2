/** Who sits where: free slots of listeners, free places of group counters, and what is wrong with a listener. Pure data. */
import type { Tables } from './types.js';
import type { Why } from './groups.js';

/** Numbers below `most` that are not taken yet. */
export class Free {
  readonly #taken: Set<number>;
  #next = 0;

  constructor(taken: Iterable<number>, private readonly most: number) {
    this.#taken = new Set(taken);
  }

  take(): number | undefined {
    while (this.#taken.has(this.#next)) this.#next++;
    if (this.#next >= this.most) return undefined;
    this.#taken.add(this.#next);
    return this.#next;
  }

  giveBack(number: number): void {
    this.#taken.delete(number);
    this.#next = Math.min(this.#next, number);
  }
}

export interface Places {
  readonly slots: Free;
  readonly indexes: Free;
}

export const placesOf = ({ listeners, groups }: Tables, maxListeners: number, maxGroups: number): Places => ({
  slots: new Free(listeners.map(({ slot }) => slot), maxListeners),
  indexes: new Free(groups.map(({ index }) => index), maxGroups),
});

type Trouble = Extract<Why, 'unreachable' | 'busy' | 'too_many'>;

const triesBefore = 3;
const againAfterMs = 30_000;

/** Listeners that could not be enlisted. A socket may vanish between two looks, so only the third time counts. */
export class Troubles {
  readonly #known = new Map<string, { why: Trouble; times: number; at: number }>();

  constructor(private readonly now: () => number = () => performance.now()) {}

  note(cookie: string, why: Trouble): void {
    this.#known.set(cookie, { why, times: (this.#known.get(cookie)?.times ?? 0) + 1, at: this.now() });
  }

  clear(cookie: string): void {
    this.#known.delete(cookie);
  }

  /** Also forgets those that have gone. */
  keep(live: ReadonlySet<string>): void {
    for (const cookie of this.#known.keys()) if (!live.has(cookie)) this.#known.delete(cookie);
  }

  /** What keeps a group with these listeners from being balanced; after a while it is tried again. */
  of(cookies: readonly string[]): Trouble | undefined {
    for (const cookie of cookies) {
      const trouble = this.#known.get(cookie);
      if (!trouble || trouble.times < triesBefore) continue;
      if (this.now() - trouble.at < againAfterMs) return trouble.why;
      this.#known.delete(cookie);
    }
    return undefined;
  }
}
