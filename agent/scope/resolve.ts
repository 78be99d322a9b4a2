/** Names to numbers: the kernel compares inodes and user ids, which a name may get, lose and get again. */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { ScopeRule } from '../datapath/types.js';
import type { Rule } from './rules.js';

export interface HostNames {
  readonly cgroupRoot: string;
  readonly passwd?: string;
}

/** No file, cgroup or user has these numbers, so that a rule whose name is not there matches nothing. */
const NO_INODE = 2n ** 64n - 1n;
const NO_USER = 2 ** 32 - 1;

export interface Resolved {
  readonly rule: ScopeRule;
  /** The terms that name nothing at present. */
  readonly absent: readonly string[];
}

function numbersOf(path: string): { inode: bigint; device: bigint } | undefined {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false });
  return found && { inode: found.ino, device: found.dev };
}

/** Never throws: what cannot be read is not there. */
function look<T>(read: () => T | undefined): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

function userId(name: string, passwd: string): number | undefined {
  if (/^\d+$/.test(name)) return Number(name);
  const line = readFileSync(passwd, 'utf8').split('\n').find((entry) => entry.startsWith(`${name}:`));
  return line === undefined ? undefined : Number(line.split(':')[2]);
}

export function resolveRule({ effect, selector }: Rule, { cgroupRoot, passwd = '/etc/passwd' }: HostNames): Resolved {
  const { program, exe, cgroup, ports, network, user } = selector;
  const absent: string[] = [];
  const found = <T>(term: string, value: T | undefined, nothing: T): T => {
    if (value === undefined) absent.push(term);
    return value ?? nothing;
  };
  const rule: ScopeRule = {
    effect,
    ...(program !== undefined && { program }),
    ...(exe !== undefined && { executable: found(`exe:${exe}`, look(() => numbersOf(exe)), { inode: NO_INODE, device: 0n }) }),
    ...(cgroup !== undefined && { cgroup: found(`cgroup:${cgroup}`, look(() => numbersOf(join(cgroupRoot, cgroup))?.inode), NO_INODE) }),
    ...(ports && { ports }),
    ...(network && { network }),
    ...(user !== undefined && { user: found(`user:${user}`, look(() => userId(user, passwd)), NO_USER) }),
  };
  return { rule, absent };
}
