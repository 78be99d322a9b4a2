// SPDX-License-Identifier: Apache-2.0
/** Go's own tests. They come with the toolchain. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Place } from '../place.js';
import { TRUSTED, type Outcomes, type Suite } from '../suite.js';

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

const run = async (place: Place, path: string, limitS: number, words: readonly string[], group: string): Promise<string> =>
  (await place.run([join(place.prepared, 'suite'), '-test.short', '-test.v', ...words], { cwd: sourceOf(path), limitS, group })).text();

const prepare = (path: string) => (dir: string): Promise<void> => {
  execFileSync('go', ['test', '-c', '-o', join(dir, 'suite'), '.'], { cwd: sourceOf(path), stdio: 'pipe' });
  return Promise.resolve();
};

/**
 * As the agent comes. Tests that splice are in a process and a cgroup of their own: the guard rightly takes the whole
 * program for one that splices afterwards, and the other tests would prove nothing.
 */
const asItComes = (path: string, splicers: string, suite: Pick<Suite, 'floor' | 'why'>): Suite => ({
  name: `go ${path}`,
  about: `the tests of Go's package ${path}`,
  ...suite,
  upstream: true,
  needs: ['go'],
  prepare: prepare(path),
  async run(place) {
    const others = await run(place, path, 300, ['-test.skip', splicers], 'others');
    return goOutcomes(`${others}\n${await run(place, path, 60, ['-test.run', splicers], 'splices')}`);
  },
});

/** All but those that splice, which trust would be wrong for. */
const trusted = (path: string, splicers: string): Suite => ({
  name: `go ${path}, trusted`,
  about: `the same without the tests that splice; listeners are trusted`,
  floor: { connections: 0.95, bytes: 0.01 },
  settings: TRUSTED,
  upstream: true,
  needs: ['go'],
  prepare: prepare(path),
  run: async (place) => goOutcomes(await run(place, path, 300, ['-test.skip', splicers], 'others')),
});

const SPLICERS = { net: '^TestSplice$', http: '^(TestTransportProxy|TestSOCKS5Proxy)$' };

export const GO: readonly Suite[] = [
  asItComes('net', SPLICERS.net, { floor: { connections: 0, bytes: 0 }, why: 'each test has a listener of its own, and is over before that is learned' }),
  trusted('net', SPLICERS.net),
  asItComes('net/http', SPLICERS.http, { floor: { connections: 0.1, bytes: 0.01 }, why: 'many tests are over before their listener is learned' }),
  trusted('net/http', SPLICERS.http),
];
