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

async function run(place: Place, path: string, tests: readonly string[], group: string): Promise<string> {
  const command = [join(place.prepared, 'suite'), '-test.short', '-test.v', '-test.run', `^(${tests.join('|')})$`];
  return (await place.run(command, { cwd: sourceOf(path), limitS: 300, group })).text();
}

/** All tests but these. Go 1.20 could be asked to skip some, older ones cannot. */
async function allBut(place: Place, path: string, left: readonly string[]): Promise<string[]> {
  const names = await place.output([join(place.prepared, 'suite'), '-test.list', '^Test'], { cwd: sourceOf(path) });
  return names.split('\n').filter((name) => name.startsWith('Test') && !left.includes(name));
}

const prepare = (path: string) => (dir: string): Promise<void> => {
  execFileSync('go', ['test', '-c', '-o', join(dir, 'suite'), '.'], { cwd: sourceOf(path), stdio: 'pipe' });
  return Promise.resolve();
};

/** Tests that splice, by package. */
const SPLICERS: Readonly<Record<string, readonly string[]>> = {
  'net': ['TestSplice'],
  'net/http': ['TestTransportProxy', 'TestSOCKS5Proxy'],
};

/**
 * As the agent comes. What splices is in a process and a cgroup of its own: the guard rightly takes the whole program for
 * one that splices afterwards, and the other tests would prove nothing.
 */
const asItComes = (path: string, suite: Pick<Suite, 'floor' | 'why'>): Suite => ({
  name: `go ${path}`,
  about: `the tests of Go's package ${path}`,
  ...suite,
  upstream: true,
  needs: ['go'],
  prepare: prepare(path),
  async run(place) {
    const splicers = SPLICERS[path] ?? [];
    const others = await run(place, path, await allBut(place, path, splicers), 'others');
    return goOutcomes(`${others}\n${await run(place, path, splicers, 'splices')}`);
  },
});

/** All but those that splice, which trust would be wrong for. */
const trusted = (path: string, floor: Suite['floor']): Suite => ({
  name: `go ${path}, trusted`,
  about: 'the same without the tests that splice; listeners are trusted',
  floor,
  settings: TRUSTED,
  upstream: true,
  needs: ['go'],
  prepare: prepare(path),
  run: async (place) => goOutcomes(await run(place, path, await allBut(place, path, SPLICERS[path] ?? []), 'others')),
});

export const GO: readonly Suite[] = [
  asItComes('net', { floor: { connections: 0, bytes: 0 }, why: 'each test has a listener of its own, and is over before that is learned' }),
  trusted('net', { connections: 0.95, bytes: 0.01 }),
  asItComes('net/http', { floor: { connections: 0.1, bytes: 0.01 }, why: 'many tests are over before their listener is learned' }),
  trusted('net/http', { connections: 0.95, bytes: 0.05 }),
];
