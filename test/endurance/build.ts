// SPDX-License-Identifier: Apache-2.0
/** Compiles the traffic program when one of its sources is newer than what was built. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('../../../test/endurance/', import.meta.url));
const timeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? -Infinity;

/** Returns the path of the program. */
export function buildTraffic(): string {
  const sources = readdirSync(join(folder, 'traffic')).map((name) => join(folder, 'traffic', name));
  const program = join(folder, 'build', 'traffic');
  if (timeOf(program) >= Math.max(...sources.map(timeOf))) return program;
  mkdirSync(join(folder, 'build'), { recursive: true });
  // Aside first: another run may be using the old one.
  const aside = `${program}.${process.pid}`;
  execFileSync('cc', ['-D_GNU_SOURCE', '-std=gnu11', '-O2', '-Wall', '-Wextra', '-o', aside, ...sources.filter((name) => name.endsWith('.c'))]);
  renameSync(aside, program);
  return program;
}
