// SPDX-License-Identifier: Apache-2.0
/** The traffic program, compiled when one of its sources is newer; and Sidestep once more, as a version before this one. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildOtherLayout } from '../helpers/other-layout.js';

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

/** Returns bin/sidestep of a build with the layout before this one, which goes with this process. */
export function buildOlder(): string {
  const tree = mkdtempSync(join(tmpdir(), 'sidestep-older-'));
  process.once('exit', () => { rmSync(tree, { recursive: true, force: true }); });
  buildOtherLayout(tree, -1);
  return join(tree, 'bin/sidestep');
}
