/** Lists of profiles that are read at start and never written: the one that comes with Sidestep, and the operator's. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Config, Preseed } from '../../config/types.js';
import { ProfilesError, readProfiles } from './file.js';
import { ANY_PROGRAM, type KnownProfile, type Origin } from './known.js';

const shippedFolder = fileURLToPath(new URL('../../../config/profiles/', import.meta.url));

function readList(file: string, origin: Origin): KnownProfile[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new ProfilesError([`${file}: it cannot be read: ${(error as Error).message}`]);
  }
  return readProfiles(text, file).map((profile) => ({ ...profile, origin }));
}

export function shippedProfiles(preseed: Preseed, folder = shippedFolder): KnownProfile[] {
  if (preseed === 'off') return [];
  const files = readdirSync(folder).filter((name) => name.endsWith('.json')).sort();
  const all = files.flatMap((name) => readList(join(folder, name), 'preseed'));
  return all.filter(({ program }) => preseed === 'name' || program !== ANY_PROGRAM);
}

/** Throws ProfilesError: a list that somebody named and that is not taken keeps the agent from starting. */
export function listedProfiles({ preseed, profiles }: Pick<Config['guard'], 'preseed' | 'profiles'>): KnownProfile[] {
  const own = profiles === 'none' ? [] : readList(profiles, 'operator');
  return [...own, ...shippedProfiles(preseed)];
}
