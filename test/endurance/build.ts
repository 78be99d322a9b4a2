// SPDX-License-Identifier: Apache-2.0
/** The traffic program, compiled when one of its sources is newer; and Sidestep once more, as a version before this one. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compile, GNU, sourcesIn } from '../helpers/compile.js';
import { buildOtherLayout } from '../helpers/other-layout.js';

const folder = fileURLToPath(new URL('../../../test/endurance/', import.meta.url));

/** Returns the path of the program. */
export const buildTraffic = (): string => compile(join(folder, 'build', 'traffic'), sourcesIn(join(folder, 'traffic')), GNU);

/** Returns bin/sidestep of a build with the layout before this one, which goes with this process. */
export function buildOlder(): string {
  const tree = mkdtempSync(join(tmpdir(), 'sidestep-older-'));
  process.once('exit', () => { rmSync(tree, { recursive: true, force: true }); });
  buildOtherLayout(tree, -1);
  return join(tree, 'bin/sidestep');
}
