/** Where the cgroup v2 hierarchy is. On hybrid hosts it stands beside v1, in a place of its own (h-cgroup2-path). */
import { readFileSync } from 'node:fs';
import { parseMounts } from '../check/mounts.js';
import { SidestepError } from '../errors.js';

/** Mount points of cgroup v2 in the text of /proc/self/mountinfo, in the order of mounting. */
export function cgroup2Mounts(mountinfo: string): string[] {
  // Only a mount of the whole hierarchy: a bind mount of a part would hide the rest of the host.
  return parseMounts(mountinfo).filter(({ type, root }) => type === 'cgroup2' && root === '/').map(({ point }) => point);
}

export function findCgroup2(): string {
  const [root] = cgroup2Mounts(readFileSync('/proc/self/mountinfo', 'utf8'));
  if (root === undefined) throw new SidestepError('no_cgroup2', '/proc/self/mountinfo');
  return root;
}
