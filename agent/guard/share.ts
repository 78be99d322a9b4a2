/** Between the guard and the exchange: what was learned here is said, what others say is believed a little. */
import type { Log } from '../log.js';
import { join, same } from './conduct.js';
import { sharedId, wordOf, type ProfileExchange, type SharedProfile } from './exchange.js';
import type { Guard } from './guard.js';
import { ANY_PROGRAM, ANYWHERE, type KnownProfile } from './known.js';
import type { ProfileStore } from './store.js';

export interface ShareOptions {
  readonly host: string;
  /** How long a word of ours is to be believed without being said again, milliseconds. */
  readonly leaseMs: number;
}

/** Between a change and its word. */
const delayMs = 200;

export class ProfileSharing {
  readonly #said = new Map<string, SharedProfile>();
  #sequence = Date.now();
  #timer: NodeJS.Timeout | undefined;
  #deaf: () => void = () => undefined;

  constructor(
    private readonly guard: Guard,
    private readonly store: ProfileStore,
    private readonly exchange: ProfileExchange,
    private readonly options: ShareOptions,
    private readonly log: Log,
  ) {}

  start(): void {
    this.store.onChange = () => { this.#timer ??= setTimeout(() => { this.#say(); }, delayMs).unref(); };
    this.#say();
    this.#deaf = this.exchange.receive((profiles) => {
      this.guard.hear(others(profiles)).catch((error: unknown) => { this.log.warn('profiles of other hosts could not be taken', { error }); });
    });
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.store.onChange = () => undefined;
    this.#deaf();
  }

  #say(): void {
    this.#timer = undefined;
    const now = told(this.store.all());
    for (const id of this.#said.keys()) if (!now.has(id)) this.#said.delete(id);
    const { host, leaseMs } = this.options;
    for (const [id, profile] of now) {
      const before = this.#said.get(id);
      if (before && same(before, profile)) continue;
      this.#said.set(id, { version: 1, host, sequence: this.#sequence++, leaseMs, ...wordOf(profile) });
    }
    void this.exchange.publish([...this.#said.values()]);
  }
}

/**
 * What this host has seen itself, by program: the worst of its places. That one blocks spares nobody anything, and that a
 * script reads plainly is not believed elsewhere.
 */
export function told(all: readonly KnownProfile[]): Map<string, KnownProfile> {
  const worst = new Map<string, KnownProfile>();
  for (const one of all) {
    if (one.origin !== 'learned' || one.program === ANY_PROGRAM) continue;
    const id = sharedId(one), before = worst.get(id);
    worst.set(id, before ? { ...one, ...join(before, one) } : one);
  }
  for (const [id, { state, script }] of worst) if (state === 'blocking' || (state === 'clean' && script !== '')) worst.delete(id);
  return worst;
}

/** One entry for each program, as it would stand in a list. */
export function others(profiles: readonly SharedProfile[]): KnownProfile[] {
  const worst = new Map<string, KnownProfile>();
  for (const one of profiles) {
    const id = sharedId(one), before = worst.get(id);
    const entry: KnownProfile = { ...one, place: ANYWHERE, executable: '', seen: one.since, origin: 'bus' };
    worst.set(id, { ...entry, ...(before ? join(before, one) : {}) });
  }
  return [...worst.values()];
}
