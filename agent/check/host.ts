/** What checks may see of the host: files to read, what is in directories, inode numbers. Tests give a made-up one. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { arch, release } from 'node:os';

export interface Host {
  readonly release: string;
  readonly architecture: string;
  /** Undefined when it cannot be read. */
  read(path: string): string | undefined;
  /** Undefined when it does not exist. */
  inode(path: string): string | undefined;
  /** Nothing when it cannot be read. */
  list(path: string): readonly string[];
}

function orUndefined<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}

export const realHost: Host = {
  release: release(),
  architecture: arch(),
  read: (path) => orUndefined(() => readFileSync(path, 'utf8').trimEnd()),
  inode: (path) => orUndefined(() => String(statSync(path, { bigint: true }).ino)),
  list: (path) => orUndefined(() => readdirSync(path)) ?? [],
};
