// SPDX-License-Identifier: Apache-2.0
/** The whole project once more, built with another layout: other version, larger records. */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../../', import.meta.url));

/** Builds into `tree`, which must be empty. The version is that of this build and `steps` more. */
export function buildOtherLayout(tree: string, steps: number): void {
  for (const name of ['bpf', 'native', 'config', 'dist', 'bin', 'scripts', 'package.json', 'package-lock.json']) {
    cpSync(join(root, name), join(tree, name), { recursive: true, filter: (path) => !/\/(bpf|native)\/build(\/|$)/.test(path) });
  }
  symlinkSync(join(root, 'node_modules'), join(tree, 'node_modules'));
  mkdirSync(join(tree, 'native/build'), { recursive: true });
  const path = join(tree, 'bpf/include/layout.h');
  const before = readFileSync(path, 'utf8');
  const after = before
    .replace(/(#define SIDESTEP_LAYOUT_VERSION )(\d+)/, (_, define: string, version: string) => `${define}${Number(version) + steps}`)
    .replace('struct sidestep_pair {\n', 'struct sidestep_pair {\n\t__u64 more[8];\n')
    .replace(/(sizeof\(struct sidestep_pair\) == )(\d+)/, (_, size: string, bytes: string) => `${size}${Number(bytes) + 64}`);
  writeFileSync(path, after);
  execFileSync('make', ['-s', '-C', join(tree, 'bpf')], { stdio: ['ignore', 'ignore', 'pipe'] });
  execFileSync(join(tree, 'scripts/build-native'), { stdio: ['ignore', 'ignore', 'pipe'] });
}
