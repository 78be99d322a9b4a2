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
import type { Evidence, Identity } from './known.js';

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
  /** Says what this host has learned; again at each change, and before a lease runs out. Resolves when it was taken. */
  publish(profiles: readonly SharedProfile[]): Promise<void>;
  /** Hears what others say: everything that holds at first, then each change. Returns the way to stop. */
  receive(listener: (profiles: readonly SharedProfile[]) => void): () => void;
}
