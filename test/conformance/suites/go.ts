// SPDX-License-Identifier: Apache-2.0
/** Go's own tests. They come with the toolchain. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Outcomes, Suite } from '../suite.js';

/** Lines such as "    --- PASS: TestDial/tcp (0.01s)". */
export function goOutcomes(output: string): Outcomes {
  const found = [...output.matchAll(/^\s*--- (PASS|FAIL|SKIP): (\S+)/gm)];
  return new Map(found.map(([, outcome = '', name = '']) => [name, outcome.toLowerCase()]));
}

function sourceOf(path: string): string {
  const source = join(execFileSync('go', ['env', 'GOROOT'], { encoding: 'utf8' }).trim(), 'src', path);
  if (!existsSync(source)) throw new Error(`the Go toolchain has no sources of ${path}`);
  return source;
}

/**
 * `splicers`: tests that splice, in a process and a cgroup of their own. The guard rightly takes the whole program for one
 * that splices afterwards, and the other tests would prove nothing.
 */
function goSuite(path: string, splicers: string, suite: Pick<Suite, 'floor' | 'why'>): Suite {
  return {
    name: `go ${path}`,
    about: `the tests of Go's package ${path}, short`,
    ...suite,
    upstream: true,
    needs: ['go'],
    prepare(dir) {
      execFileSync('go', ['test', '-c', '-o', join(dir, 'suite'), '.'], { cwd: sourceOf(path), stdio: 'pipe' });
      return Promise.resolve();
    },
    async run(place) {
      const command = [join(place.prepared, 'suite'), '-test.short', '-test.v'];
      const others = await place.run([...command, '-test.skip', splicers], { cwd: sourceOf(path), limitS: 300 });
      const splicing = await place.run([...command, '-test.run', splicers], { cwd: sourceOf(path), limitS: 60, group: 'splices' });
      return goOutcomes(`${others.text()}\n${splicing.text()}`);
    },
  };
}

export const GO: readonly Suite[] = [
  goSuite('net', '^TestSplice$', { floor: { connections: 0, bytes: 0 } }),
  goSuite('net/http', '^(TestTransportProxy|TestSOCKS5Proxy)$', { floor: { connections: 0, bytes: 0 } }),
];
