// SPDX-License-Identifier: Apache-2.0
/** CPython's own tests. They come with the interpreter. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { python } from '../python.js';
import { TRUSTED, type Outcomes, type Suite } from '../suite.js';

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

/** Files of tests, and what of each the short form runs: patterns of names, or all of it. */
type Files = Readonly<Record<string, readonly string[] | 'all' | 'nothing'>>;

const SOCKETS: Files = {
  test_socket: ['*TCPTest*', '*TCPCloserTest*', '*FileObject*', '*TCPTimeoutTest*', '*RecvmsgTCP*', '*RecvmsgIntoTCP*', '*SendmsgTCP*'],
  test_ssl: ['*TestPostHandshakeAuth*', '*ThreadedTests.test_asyncore_server', '*ThreadedTests.test_socketserver', '*ThreadedTests.test_recv_send'],
  test_httplib: 'all',
  test_urllib2_localnet: 'all',
  test_socketserver: 'all',
  test_xmlrpc: 'all',
  test_selectors: 'nothing',
};

const EVENTS: Files = {
  test_asyncio: ['*test_streams*', '*test_sock_lowlevel*', '*test_server*', '*test_sendfile*', '*test_buffered_proto*', '*test_events.EPollEventLoopTests*'],
  test_asyncore: 'all',
  test_ftplib: ['*TestFTPClass*'],
};

/** Python 3.12 has it no more. */
const REMOVED = new Set(['test_asyncore']);

function filesHere(files: Files): string[] {
  const imports = (file: string): boolean => spawnSync(python(), ['-c', `import test.${file}`]).status === 0;
  const missing = Object.keys(files).filter((file) => !imports(file));
  const fault = missing.find((file) => !REMOVED.has(file));
  if (fault !== undefined) throw new Error(`this Python has no test.${fault}`);
  return Object.keys(files).filter((file) => !missing.includes(file));
}

/** Each file in a process and a cgroup of its own: what one does does not speak for another. */
const pythonSuite = (suite: Omit<Suite, 'upstream' | 'needs' | 'run'>, files: Files): Suite => ({
  ...suite,
  upstream: true,
  needs: ['python3'],
  async run(place) {
    const outcomes = new Map<string, string>();
    for (const file of filesHere(files)) {
      const part = place.short ? files[file]! : 'all';
      if (part === 'nothing') continue;
      // It takes either what to run or what to leave out: with both, it runs all that is not left out.
      const chosen = part === 'all' ? LEFT_OUT : part.flatMap((pattern) => ['-m', pattern]);
      const report = place.path(`${file}.xml`);
      const { how } = await place.run([python(), '-m', 'test.regrtest', ...(NEEDS[file] ?? []), ...chosen, '--junit-xml', report, file],
        { limitS: 200, group: file });
      outcomes.set(`${file} as a whole`, how);
      // No report: the run was ended by its time limit, and its tests count as not run.
      if (existsSync(report)) for (const [name, outcome] of junitOutcomes(readFileSync(report, 'utf8'))) outcomes.set(name, outcome);
    }
    return outcomes;
  },
});

export const CPYTHON: readonly Suite[] = [
  pythonSuite({
    name: 'cpython sockets',
    about: 'CPython\'s tests of sockets, TLS and HTTP',
    floor: { connections: 0, bytes: 0 },
    why: 'they read from blocking sockets',
  }, SOCKETS),
  pythonSuite({
    name: 'cpython events',
    about: 'CPython\'s tests of asyncio, asyncore and FTP',
    floor: { connections: 0.02, bytes: 0 },
    why: 'most tests have a listener of their own, and are over before that is learned',
  }, EVENTS),
  pythonSuite({
    name: 'cpython events, trusted',
    about: 'the same; listeners are trusted',
    floor: { connections: 0.9, bytes: 0.1 },
    settings: TRUSTED,
    known: [
      { check: /test_asyncore\.TestAPI_UseIPv[46](Poll|Select)\.test_handle_expt$/, limit: 'MSG_OOB arrives in line' },
      // What follows from them. Each other test of the file is compared by itself.
      { check: /^test_asyncore as a whole$/, limit: 'MSG_OOB arrives in line' },
    ],
  }, EVENTS),
];
