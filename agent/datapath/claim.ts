/** Ownership of a directory, by a lock that the kernel drops when its holder dies, and never by a name or a number. */
import { existsSync, mkdirSync, rmdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { native } from '../../native/index.js';
import { codeOf } from '../errors.js';

const TRIES = 10;

/**
 * Makes the directory and what is above it. Not by Node's `recursive`: that never ends below a directory that can have no
 * children and says ENOENT, as /sys/fs/bpf does while nothing is mounted on it (h-pins-silently-off).
 */
function makeDirectory(path: string): void {
  if (existsSync(path)) return;
  makeDirectory(dirname(path));
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
  }
}

/** Makes the directory and locks it. Returns what gives it back. Throws code `locked` while somebody else holds it. */
export function claim(path: string): () => void {
  for (let tries = 1; ; tries++) {
    makeDirectory(path);
    try {
      return native.lockDirectory(path);
    } catch (error) {
      // Its owner removed it between our mkdir and our flock.
      const moved = codeOf(error) === 'lock_moved' || ('errno' in (error as object) && (error as { errno: number }).errno === 2);
      if (!moved || tries === TRIES) throw error;
    }
  }
}

/** The same for a directory that is there and that nobody holds; undefined when somebody does, or when it has gone. */
export function claimIfAbandoned(path: string): (() => void) | undefined {
  try {
    return native.lockDirectory(path);
  } catch (error) {
    const code = codeOf(error);
    if (code === 'locked' || code === 'lock_moved' || code === 'lock_failed') return undefined;
    throw error;
  }
}

/** Removes it if it is empty, and only then gives it back: nobody may lock what is about to go. */
export function abandon(path: string, release: () => void): void {
  try {
    rmdirSync(path);
  } catch {
    // It holds what outlives its owner, or has gone.
  }
  release();
}
