/** Where the cgroup v2 hierarchy is. On hybrid hosts it stands beside v1, in a place of its own (h-cgroup2-path). */
import { readFileSync, readlinkSync, statfsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseMounts, type Mount } from '../check/mounts.js';
import { SidestepError } from '../errors.js';
import { findBelow } from '../pairs/cgroups.js';

/** Inode number of a directory, in digits; undefined when there is none. */
export type InodeOf = (path: string) => string | undefined;

export const inodeOf: InodeOf = (path) => {
  try {
    return String(statSync(path, { bigint: true }).ino);
  } catch {
    return undefined;
  }
};

// The root of every kernfs has inode 1; a container that sees its own cgroup as `/` sees another number there.
const hostRoot = '1';

// From inside a cgroup namespace the root of a mount of the host's hierarchy is named by the way up to it.
const wayUp = /^(\/\.\.)+$/;

const v2 = (mountinfo: string): Mount[] => parseMounts(mountinfo).filter(({ type }) => type === 'cgroup2');

/**
 * Mount point of the whole hierarchy in the text of /proc/self/mountinfo; undefined when there is none. A container may
 * have two that call themselves `/` or the like: its own cgroup, and the host's (h-private-cgroup-namespace). A bind
 * mount of a part is neither.
 */
export function chooseCgroup2(mountinfo: string, inode: InodeOf): string | undefined {
  const own = v2(mountinfo).filter(({ root }) => root === '/');
  const host = [...own, ...v2(mountinfo).filter(({ root }) => wayUp.test(root))].find(({ point }) => inode(point) === hostRoot);
  return (host ?? own[0])?.point;
}

export const isHostRoot = (point: string, inode: InodeOf): boolean => inode(point) === hostRoot;

export function findCgroup2(): string {
  const root = chooseCgroup2(readFileSync('/proc/self/mountinfo', 'utf8'), inodeOf);
  if (root === undefined) throw new SidestepError('no_cgroup2', '/proc/self/mountinfo');
  return root;
}

// include/uapi/linux/magic.h: CGROUP2_SUPER_MAGIC
const cgroup2Magic = 0x63677270;

/** Directory of the cgroup that is served. `path`: cgroup.path. On a hybrid host a directory beside the hierarchy is easily taken for one in it. */
export function servedCgroup(path: string): string {
  if (path === 'auto') return findCgroup2();
  const type = statSync(path, { throwIfNoEntry: false })?.isDirectory() === true ? statfsSync(path).type : undefined;
  if (type !== cgroup2Magic) throw new SidestepError('bad_cgroup', `${path}; the hierarchy is at ${findCgroup2()}`);
  return path;
}

// Of the first namespace: include/uapi/linux/nsfs.h has the number.
const firstNamespace = 'cgroup:[4026531835]';

/**
 * Directory, below `root`, of the cgroup that this process is in. In a cgroup namespace the kernel does not name it, and
 * lets nobody move a process out of it (mount option nsdelegate); then it is looked for, by its list of processes.
 */
export function ownCgroup(root: string): string {
  if (readlinkSync('/proc/self/ns/cgroup') === firstNamespace)
    return join(root, /^0::(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1] ?? '/');
  const has = (path: string): boolean => readFileSync(join(path, 'cgroup.procs'), 'utf8').split('\n').includes(String(process.pid));
  return join(root, findBelow(root, has) ?? '/');
}
