// SPDX-License-Identifier: Apache-2.0
/** Programs in C that tests run: compiled when a source is newer than what was built. And programs for the kernel. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, renameSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';

const timeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? -Infinity;

/** Every source and header of a folder. */
export const sourcesIn = (folder: string): string[] => readdirSync(folder).map((name) => join(folder, name));

/** Returns `program`. Headers among the sources only count by their age. */
export function compile(program: string, sources: readonly string[], flags: readonly string[] = [], libraries: readonly string[] = []): string {
  if (timeOf(program) >= Math.max(...sources.map(timeOf))) return program;
  mkdirSync(dirname(program), { recursive: true });
  // Aside first: another run may be using the old one.
  const aside = `${program}.${process.pid}`;
  execFileSync('cc', ['-O2', '-Wall', '-Wextra', ...flags, '-o', aside, ...sources.filter((name) => name.endsWith('.c')), ...libraries]);
  renameSync(aside, program);
  return program;
}

/** For programs that use what Linux has beside the standard. */
export const GNU = ['-D_GNU_SOURCE', '-std=gnu11'];

/** A program for the kernel that is none of ours, always anew. */
export function compileForKernel(source: string, object: string): void {
  const include = `/usr/include/${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu`;
  execFileSync('clang-19', ['-target', 'bpf', '-mcpu=v3', '-O2', '-g', '-Wall', '-Werror', `-I${include}`, '-c', source, '-o', object]);
}
