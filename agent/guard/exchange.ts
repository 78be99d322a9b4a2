/**
 * Profiles between hosts. What a host has learned can spare others the learning, over whatever bus they share; this is
 * what goes over it, and what the guard asks of it.
 *
 * A record is an entry of a file of profiles, with who says it. Its identity is build, name and script; the place stays
 * at home, because a path of a cgroup means nothing elsewhere. The key of a record in a bus is
 * `<cluster>.<host>.<idOf(record)>`, so that a host can be confined to its own records; the latest record of a key holds,
 * and one that is not said again within its lease has lapsed.
 *
 * What comes from others is believed less than what was seen here: it is joined under the rules of `decide()` as an entry
 * for every place, so that anything seen here goes before it, and a hazard that any host reports takes a clean word back.
 * It never causes a redirect by itself; it only spares watching. Entries of ANY_PROGRAM are not exchanged: a name alone
 * is no word about a build.
 */
import type { Conduct } from './conduct.js';
import { readEntry } from './entry.js';
import { ANY_PROGRAM, ANYWHERE, idOf, type Evidence, type Identity, type KnownProfile } from './known.js';

export interface SharedProfile extends Omit<Identity, 'place'>, Conduct {
  readonly version: 1;
  /** The host that saw it, and its own count of what it has said: a lower number than the last one is old news. */
  readonly host: string;
  readonly sequence: number;
  /** When it came to this state there: ISO 8601. */
  readonly since: string;
  readonly evidence: Evidence;
  /** How long this is to be believed without being said again, milliseconds. */
  readonly leaseMs: number;
}

export interface ProfileExchange {
  /** Says what this host has learned, all of it, and goes on saying so. Resolves when the bus has it, or cannot have it now. */
  publish(profiles: readonly SharedProfile[]): Promise<void>;
  /** Hears what others say: everything that holds at first, then each change. Returns the way to stop. */
  receive(listener: (profiles: readonly SharedProfile[]) => void): () => void;
}

const VERSION = 1;
/** An honest record has some 400 bytes. */
const MOST_BYTES = 2048;
const MOST_LEASE_MS = 86_400_000;
const token = /^[A-Za-z0-9]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?$/;

export interface SharedKey {
  readonly host: string;
  readonly profile: string;
}

export const sharedId = (profile: Omit<Identity, 'place'>): string => idOf({ ...profile, place: ANYWHERE });

export const keyOf = (cluster: string, profile: SharedProfile): string => `${cluster}.${profile.host}.${sharedId(profile)}`;

/** Undefined: nothing of this cluster, or nothing that an agent would write. */
export function parseSharedKey(cluster: string, key: string): SharedKey | undefined {
  const [of, host = '', profile = '', ...more] = key.split('.');
  return of === cluster && more.length === 0 && token.test(host) && /^[0-9a-f]{12}$/.test(profile) ? { host, profile } : undefined;
}

export const encodeShared = (profile: SharedProfile): Uint8Array => new TextEncoder().encode(JSON.stringify(profile));

const isWhole = (value: unknown, most: number): value is number => typeof value === 'number' && Number.isSafeInteger(value) && value > 0 && value <= most;

/** Undefined: not believed. Whoever may write to the bucket may write anything; what stands in a file is checked the same way. */
export function decodeShared(value: Uint8Array, at: SharedKey): SharedProfile | undefined {
  if (value.length > MOST_BYTES) return undefined;
  let fields: unknown;
  try {
    fields = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(value));
  } catch {
    return undefined;
  }
  if (typeof fields !== 'object' || fields === null || Array.isArray(fields)) return undefined;
  const { version, host, sequence, leaseMs, ...entry } = fields as Record<string, unknown>;
  if (version !== VERSION || host !== at.host || !isWhole(sequence, Number.MAX_SAFE_INTEGER) || !isWhole(leaseMs, MOST_LEASE_MS)) return undefined;
  const profile = readEntry({ ...entry, seen: entry['since'] }, '', () => undefined);
  if (!profile || profile.program === ANY_PROGRAM || profile.place !== ANYWHERE || idOf(profile) !== at.profile) return undefined;
  return { version: VERSION, host: at.host, sequence, leaseMs, ...wordOf(profile) };
}

/** What of a profile is said to others: not where it ran, nor who told us. */
export function wordOf({ program, name, script, state, reason, serves, plain, since, evidence }: KnownProfile): Omit<SharedProfile, 'version' | 'host' | 'sequence' | 'leaseMs'> {
  return { program, name, script, state, reason, serves, plain, since, evidence };
}
