/** Where the cgroup v2 hierarchy is. On hybrid hosts it stands beside v1, in a place of its own (h-cgroup2-path). */
import { readFileSync } from 'node:fs';
import { SidestepError } from '../errors.js';

/** Mount points of cgroup v2 in the text of /proc/self/mountinfo (proc(5)), in the order of mounting. */
export function cgroup2Mounts(mountinfo: string): string[] {
  const mounts: string[] = [];
  for (const line of mountinfo.split('\n')) {
    const [before, after] = line.split(' - ');
    const fields = before?.split(' ') ?? [];
    // Only a mount of the whole hierarchy: a bind mount of a part would hide the rest of the host.
    if (after?.startsWith('cgroup2 ') && fields[3] === '/' && fields[4] !== undefined) {
      mounts.push(fields[4].replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8))));
    }
  }
  return mounts;
}

export function findCgroup2(): string {
  const [root] = cgroup2Mounts(readFileSync('/proc/self/mountinfo', 'utf8'));
  if (root === undefined) throw new SidestepError('no_cgroup2', '/proc/self/mountinfo');
  return root;
}
