/** Who holds a socket: /proc/<pid>/fd names sockets by inode. Other users' processes are visible to root only. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

export interface Process {
  readonly pid: number;
  readonly comm: string;
}

/** `socket:[12345]` -> `12345`. */
export function socketInode(link: string): string | undefined {
  return /^socket:\[(\d+)\]$/.exec(link)?.[1];
}

// Processes end while we look at them, and some are not ours to look at: both read as nothing.
function orElse<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch {
    return otherwise;
  }
}

export const commOf = (proc: string, pid: number): string =>
  orElse(() => readFileSync(join(proc, String(pid), 'comm'), 'utf8').trimEnd(), '');

/** Path of the executable; '' when it is not ours to know. */
export const executableOf = (proc: string, pid: number): string =>
  pid === 0 ? '' : orElse(() => readlinkSync(join(proc, String(pid), 'exe')), '');

const pidsIn = (proc: string): number[] =>
  orElse(() => readdirSync(proc), [])
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .sort((a, b) => a - b);

const pauseEvery = 256;

/**
 * Finds the holders of these inodes and stops early when all are found. A socket shared by several processes belongs
 * to the one with the lowest number, usually the parent. Lets the event loop run between slices; gives up at the limit.
 */
export async function findHolders(
  inodes: ReadonlySet<string>,
  proc: string,
  limitMs: number,
): Promise<Map<string, Process>> {
  const holders = new Map<string, Process>();
  const until = performance.now() + limitMs;
  let links = 0;
  for (const pid of pidsIn(proc)) {
    const folder = join(proc, String(pid), 'fd');
    for (const fd of orElse(() => readdirSync(folder), [])) {
      if (holders.size === inodes.size) return holders;
      if (++links % pauseEvery === 0) {
        if (performance.now() > until) return holders;
        await new Promise(setImmediate);
      }
      const inode = socketInode(orElse(() => readlinkSync(join(folder, fd)), ''));
      if (inode !== undefined && inodes.has(inode) && !holders.has(inode))
        holders.set(inode, { pid, comm: commOf(proc, pid) });
    }
  }
  return holders;
}
