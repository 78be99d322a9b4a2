/** What a person does to profiles: export, import, forget, set. Each is done whole, or not at all. */
import { SidestepError } from '../errors.js';
import { conductOf, HAZARDS, join, same, type Hazard, type State } from './conduct.js';
import { profilesFile, readProfiles, type ProfilesFile } from './file.js';
import type { Guard, Met } from './guard.js';
import { idOf, NO_EVIDENCE, type Identity, type KnownProfile } from './known.js';
import type { ProfileStore } from './store.js';

export interface Imported {
  readonly added: number;
  /** Known before, and worse now: what is known is never taken back by a file. */
  readonly changed: number;
  readonly unchanged: number;
}

export interface Named {
  readonly id: string;
  readonly name: string;
  readonly place: string;
}

const named = (one: Identity): Named => ({ id: idOf(one), name: one.name, place: one.place });

export class Management {
  constructor(
    private readonly guard: Guard,
    private readonly store: ProfileStore,
  ) {}

  export(): ProfilesFile {
    return profilesFile(this.store.all());
  }

  /** Throws ProfilesError before anything is changed. */
  import(text: string, file: string): Promise<Imported> {
    const profiles = readProfiles(text, file);
    return this.guard.serially(async () => {
      const result = { added: 0, changed: 0, unchanged: 0 };
      for (const profile of profiles) result[this.#take(profile)]++;
      await this.guard.reseed();
      return result;
    });
  }

  /** By name, by the id of a profile, or by that of a workload. */
  async forget(which: string): Promise<Named[]> {
    await this.guard.look();
    return this.guard.serially(async () => {
      const rows = this.guard.matching(which);
      const ids = new Set([...this.#stored(which), ...rows.map(({ subject }) => idOf(subject))]);
      const gone = [...ids].flatMap((id) => this.store.get(id) ?? []);
      if (gone.length + rows.length + this.guard.forgetNameless(which) === 0) throw new SidestepError('not_found', `a profile ${which}`);
      for (const id of ids) this.store.delete(id);
      await this.guard.reseed(({ subject }) => ids.has(idOf(subject)));
      return gone.length > 0 ? gone.map(named) : rows.map(({ subject }) => named(subject));
    });
  }

  /** Whatever was learned until now. What is seen later can still make it worse. */
  async set(which: string, state: State, reason: Hazard = HAZARDS[0]): Promise<Named[]> {
    await this.guard.look();
    return this.guard.serially(async () => {
      const rows = this.guard.matching(which);
      const profiles = new Map(this.#stored(which).flatMap((id) => this.store.get(id) ?? []).map((one) => [idOf(one), one]));
      for (const met of rows) if (!profiles.has(idOf(met.subject))) profiles.set(idOf(met.subject), fresh(met));
      if (profiles.size === 0) throw new SidestepError('not_found', `a profile ${which}`);
      const conduct = conductOf(state, { reason, serves: true, plain: true });
      const since = new Date().toISOString();
      for (const one of profiles.values()) this.store.put({ ...one, ...conduct, since, origin: 'operator' });
      await this.guard.reseed(({ subject }) => profiles.has(idOf(subject)));
      return [...profiles.values()].map(named);
    });
  }

  #stored(which: string): string[] {
    return this.store.all().filter((one) => one.name === which || idOf(one) === which).map(idOf);
  }

  #take(profile: KnownProfile): keyof Imported {
    const before = this.store.get(idOf(profile));
    const conduct = before ? join(before, profile) : profile;
    if (before && same(before, conduct)) return 'unchanged';
    this.store.put({ ...profile, ...conduct, evidence: before?.evidence ?? profile.evidence, origin: 'import' });
    return before ? 'changed' : 'added';
  }
}

function fresh({ subject: { program, name, script, place }, executable }: Met): KnownProfile {
  const now = new Date().toISOString();
  return {
    program, name, script, place, executable, state: 'clean', reason: '', serves: false, plain: true,
    since: now, seen: now, evidence: NO_EVIDENCE, origin: 'operator',
  };
}
