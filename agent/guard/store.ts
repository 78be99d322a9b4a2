/**
 * profiles.json in the state directory. Each save writes a new file beside it, makes it durable and renames it over the
 * old one: whoever dies at any moment leaves one of the two, whole. What cannot be read is set aside and said once; what
 * cannot be written is said once as well, and tried again with the next change. Neither ever stops the agent.
 */
import { readFileSync, renameSync } from 'node:fs';
import { mkdir, open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { wordsOf } from '../errors.js';
import type { Log } from '../log.js';
import { MOST_PROFILES, profilesFile, readProfiles, textOf } from './file.js';
import { idOf, type KnownProfile } from './known.js';

export interface StoreOptions {
  readonly dir: string;
  readonly log: Log;
  /** Shortest time between a change and its save, and so between two saves. */
  readonly delayMs?: number;
  /** The same for what is only evidence: counts, and when somebody was seen. */
  readonly slowMs?: number;
}

/** Not mkdir's own `recursive`, which never returns on file systems that take no directories, such as /proc. */
async function makeFolder(dir: string): Promise<void> {
  const parts = dir.split('/').filter((part) => part !== '');
  for (let end = 1; end <= parts.length; end++) {
    try {
      await mkdir(`/${parts.slice(0, end).join('/')}`, end === parts.length ? 0o700 : 0o755);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

export class ProfileStore {
  readonly #file: string;
  readonly #profiles = new Map<string, KnownProfile>();
  /** Read from the file, and not learned anew since. */
  readonly #fromFile = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #due = Infinity;
  #dirty = false;
  #saving: Promise<void> = Promise.resolve();
  /** Called after each change that a decision depends on. */
  onChange: () => void = () => undefined;
  /** Why profiles are not kept; '' when they are. */
  problem = '';

  constructor(private readonly options: StoreOptions) {
    this.#file = join(options.dir, 'profiles.json');
  }

  load(): void {
    let text: string;
    try {
      text = readFileSync(this.#file, 'utf8');
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'ENOENT' && code !== 'ENOTDIR') this.#complain(`they cannot be read: ${wordsOf(error)}`);
      return;
    }
    try {
      for (const profile of readProfiles(text, this.#file)) {
        this.#profiles.set(idOf(profile), profile);
        this.#fromFile.add(idOf(profile));
      }
    } catch (error) {
      this.#setAside(wordsOf(error));
    }
  }

  all(): KnownProfile[] { return [...this.#profiles.values()]; }
  get(id: string): KnownProfile | undefined { return this.#profiles.get(id); }
  isFromFile(id: string): boolean { return this.#fromFile.has(id); }

  /** `slow`: nothing that a decision depends on has changed. */
  put(profile: KnownProfile, slow = false): void {
    const id = idOf(profile);
    this.#profiles.set(id, profile);
    if (!slow) {
      this.#fromFile.delete(id);
      this.onChange();
    }
    this.#limit();
    this.#schedule(slow ? (this.options.slowMs ?? 300_000) : (this.options.delayMs ?? 1000));
  }

  delete(id: string): void {
    if (this.#profiles.delete(id)) {
      this.onChange();
      this.#schedule(this.options.delayMs ?? 1000);
    }
    this.#fromFile.delete(id);
  }

  /** Saves what has not been saved. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#due = Infinity;
    if (this.#dirty) this.#saving = this.#saving.then(() => this.#save());
    await this.#saving;
  }

  #limit(): void {
    if (this.#profiles.size <= MOST_PROFILES) return;
    const [oldest] = [...this.#profiles].sort(([, a], [, b]) => a.seen.localeCompare(b.seen));
    if (oldest) this.#profiles.delete(oldest[0]);
  }

  #schedule(ms: number): void {
    this.#dirty = true;
    const due = performance.now() + ms;
    if (due >= this.#due) return;
    this.#due = due;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => { void this.flush(); }, ms).unref();
  }

  async #save(): Promise<void> {
    this.#dirty = false;
    const { dir } = this.options;
    const aside = `${this.#file}.new`;
    try {
      await makeFolder(dir);
      const file = await open(aside, 'w', 0o600);
      try {
        await file.writeFile(textOf(profilesFile(this.all())));
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(aside, this.#file);
      // The name is durable only when its directory is.
      const folder = await open(dir, 'r');
      await folder.sync().finally(() => folder.close());
      this.problem = '';
    } catch (error) {
      this.#dirty = true;
      this.#complain(`they cannot be written: ${wordsOf(error)}`);
    }
  }

  #setAside(why: string): void {
    const bad = `${this.#file}.bad`;
    try {
      renameSync(this.#file, bad);
      this.options.log.warn('the profiles of before cannot be used; everything is learned anew', { file: this.#file, setAside: bad, why });
    } catch (error) {
      this.#complain(`they cannot be used (${why}), nor set aside: ${wordsOf(error)}`);
    }
  }

  #complain(why: string): void {
    if (this.problem === why) return;
    this.problem = why;
    this.options.log.warn('profiles do not outlive the agent', { file: this.#file, why });
  }
}
