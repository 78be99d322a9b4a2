// SPDX-License-Identifier: Apache-2.0
/** PostgreSQL as Debian has it: programs outside of the path, and a server that refuses to be root. */
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** What goes before a command that must not be root. */
export const AS_POSTGRES = ['setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups'];

/** Who it is then. */
export const postgresIds = (): [uid: number, gid: number] =>
  ['-u', '-g'].map((flag) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }))) as [number, number];

/** A program of the newest version that is installed: each has a folder of its own. */
export function pg(name: string): string {
  const versions = readdirSync('/usr/lib/postgresql').sort((a, b) => Number(b) - Number(a));
  return join('/usr/lib/postgresql', versions[0] ?? '', 'bin', name);
}

/** A new database in `dir`/data, which lets everybody on this host in; returns that path. */
export function newDatabase(dir: string): string {
  const data = join(dir, 'data');
  chmodSync(dir, 0o755);
  mkdirSync(data);
  chownSync(data, ...postgresIds());
  execFileSync('setpriv', [...AS_POSTGRES.slice(1), pg('initdb'), '-D', data, '-A', 'trust', '-N'], { stdio: 'ignore', cwd: '/' });
  return data;
}
