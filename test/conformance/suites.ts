// SPDX-License-Identifier: Apache-2.0
/** Test suites that nobody here wrote. Each says what every one of its tests gave, in a form that can be compared. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Test name -> outcome: pass, fail, error, skip. */
export type Outcomes = ReadonlyMap<string, string>;

export interface Suite {
  readonly name: string;
  /** Prepares in `dir`; '' or why it cannot run on this host. */
  prepare(dir: string): string;
  /** What to run, where; it may write into `dir`. */
  command(dir: string): { command: readonly string[]; cwd: string };
  outcomes(dir: string, output: string): Outcomes;
  /** Longest time for one run, milliseconds. */
  readonly limitMs: number;
}

/** Lines such as "    --- PASS: TestDial/tcp (0.01s)". */
export function goOutcomes(output: string): Outcomes {
  const found = [...output.matchAll(/^\s*--- (PASS|FAIL|SKIP): (\S+)/gm)];
  return new Map(found.map(([, outcome = '', name = '']) => [name, outcome.toLowerCase()]));
}

const attribute = (tag: string, name: string): string => new RegExp(` ${name}="([^"]*)"`).exec(tag)?.[1] ?? '';

/** JUnit XML as CPython's regrtest writes it. */
export function junitOutcomes(xml: string): Outcomes {
  const outcomes = new Map<string, string>();
  for (const [, tag = '', inner = ''] of xml.matchAll(/<testcase([^>]*?)(?:\/>|>(.*?)<\/testcase>)/gs)) {
    const outcome = /<(failure|error|skipped)/.exec(inner)?.[1] ?? 'pass';
    outcomes.set(attribute(tag, 'name'), outcome);
  }
  return outcomes;
}

function goSuite(path: string): Suite {
  let source = '';
  return {
    name: `go ${path}`,
    limitMs: 300_000,
    prepare(dir) {
      const root = spawnSync('go', ['env', 'GOROOT'], { encoding: 'utf8' });
      if (root.status !== 0) return 'no Go toolchain';
      source = join(root.stdout.trim(), 'src', path);
      if (!existsSync(source)) return `the Go toolchain has no sources of ${path}`;
      execFileSync('go', ['test', '-c', '-o', join(dir, 'suite'), '.'], { cwd: source, stdio: 'pipe' });
      return '';
    },
    command: (dir) => ({ command: [join(dir, 'suite'), '-test.short', '-test.v'], cwd: source }),
    outcomes: (_dir, output) => goOutcomes(output),
  };
}

/** It calls its servers on loopback a network. The other suites would go outside with it. */
const NEEDS: Readonly<Record<string, readonly string[]>> = { test_socketserver: ['-u', 'network'] };

/** VSOCK has nothing to do with TCP, and its tests wait for ever in virtual machines whose host does not answer. */
const LEFT_OUT = ['--ignore', '*VSOCK*'];

function pythonSuite(test: string): Suite {
  return {
    name: `cpython ${test}`,
    limitMs: 300_000,
    prepare: () => (spawnSync('python3', ['-c', `import test.${test}`]).status === 0 ? '' : 'this Python came without its tests'),
    command: (dir) => ({ command: ['python3', '-m', 'test.regrtest', ...LEFT_OUT, ...(NEEDS[test] ?? []), '--junit-xml', join(dir, 'junit.xml'), test], cwd: dir }),
    // No file: the run was ended by its time limit.
    outcomes: (dir) => (existsSync(join(dir, 'junit.xml')) ? junitOutcomes(readFileSync(join(dir, 'junit.xml'), 'utf8')) : new Map()),
  };
}

const PYTHON = ['test_socket', 'test_asyncio', 'test_asyncore', 'test_ssl', 'test_httplib', 'test_ftplib', 'test_selectors',
  'test_urllib2_localnet', 'test_socketserver', 'test_xmlrpc'];

export const SUITES: readonly Suite[] = [goSuite('net'), goSuite('net/http'), ...PYTHON.map(pythonSuite)];
