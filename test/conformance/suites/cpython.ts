// SPDX-License-Identifier: Apache-2.0
/** CPython's own tests. They come with the interpreter. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import type { Outcomes, Suite } from '../suite.js';

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

/** It calls its servers on loopback a network. The other suites would go outside with it. */
const NEEDS: Readonly<Record<string, readonly string[]>> = { test_socketserver: ['-u', 'network'] };

/** VSOCK has nothing to do with TCP, and its tests wait for ever in virtual machines whose host does not answer. */
const LEFT_OUT = ['--ignore', '*VSOCK*'];

let interpreter = '';

/** The program behind `python3`, which may be a shim that starts slowly. */
const python = (): string => (interpreter ||= execFileSync('python3', ['-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' }).trim());

function pythonSuite(test: string, suite: Pick<Suite, 'floor' | 'why'>): Suite {
  return {
    name: `cpython ${test}`,
    about: `CPython's ${test}`,
    ...suite,
    upstream: true,
    needs: ['python3'],
    prepare() {
      execFileSync(python(), ['-c', `import test.${test}`], { stdio: 'pipe' });
      return Promise.resolve();
    },
    async run(place) {
      const file = place.path('junit.xml');
      await place.run([python(), '-m', 'test.regrtest', ...LEFT_OUT, ...(NEEDS[test] ?? []), '--junit-xml', file, test], { limitS: 300 });
      // No file: the run was ended by its time limit.
      return existsSync(file) ? junitOutcomes(readFileSync(file, 'utf8')) : new Map();
    },
  };
}

const none = { floor: { connections: 0, bytes: 0 } };

export const CPYTHON: readonly Suite[] = [
  pythonSuite('test_socket', none),
  pythonSuite('test_asyncio', none),
  pythonSuite('test_asyncore', none),
  pythonSuite('test_ssl', none),
  pythonSuite('test_httplib', none),
  pythonSuite('test_ftplib', none),
  pythonSuite('test_selectors', none),
  pythonSuite('test_urllib2_localnet', none),
  pythonSuite('test_socketserver', none),
  pythonSuite('test_xmlrpc', none),
];
