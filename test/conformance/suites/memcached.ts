// SPDX-License-Identifier: Apache-2.0
/** memcached with the tools of libmemcached: the protocol test, the load generator, and files in and out. */
import { writeFileSync } from 'node:fs';
import { Checks, digest, must, pattern } from '../checks.js';
import type { Place } from '../place.js';
import type { Suite } from '../suite.js';

const SERVER = ['--servers=127.0.0.1:11211'];
const SIZES = [1, 100, 1500, 65_536, 300_000, 1_000_000, 4_000_000];

/** Each test of memccapable is a check of its own; it prints "name   [pass]". */
async function protocol(place: Place, checks: Checks): Promise<void> {
  for (const [kind, flag] of [['ascii', '-a'], ['binary', '-b']] as const) {
    await checks.check(`memccapable, ${kind}`, async () => {
      const { how, stdout } = await place.run(['memccapable', '-h', '127.0.0.1', '-p', '11211', '-t', '10', flag]);
      for (const [, name = '', outcome = ''] of stdout.toString().matchAll(/^(\S.*?)\s+\[(\w+)\]/gm)) checks.outcomes.set(name, outcome);
      return how;
    });
  }
}

/** The lines that say what was done, without the time that it took. */
async function load(place: Place, ...words: string[]): Promise<string> {
  const text = await place.output(['memcslap', ...SERVER, '--execute-number', place.short ? '2000' : '20000', ...words], { limitS: 120 });
  const done = [...text.matchAll(/^\s*Time to (set|get|mget)\s+(\d+ keys)/gm)].map(([, what = '', keys = '']) => `${what} ${keys}`);
  must(done.length > 0, text);
  return done.join(', ');
}

/** A file goes in with memccp and comes out with memccat. */
async function file(place: Place, size: number, ...words: string[]): Promise<string> {
  const [name, sent] = [`file${size}`, pattern(size, 'file')];
  writeFileSync(place.path(name), sent);
  await place.output(['memccp', ...SERVER, ...words, name]);
  const { how, stdout } = await place.run(['memccat', ...SERVER, ...words, name]);
  // memccat ends what it prints with a line feed.
  must(stdout.subarray(0, size).equals(sent), `${how}, ${digest(stdout)}`);
  return `${how}, ${digest(stdout)}`;
}

export const MEMCACHED: Suite = {
  name: 'memcached',
  about: 'memcached with memccapable (its protocol, test by test), memcslap, memccp and memccat',
  floor: { connections: 0.6, bytes: 0 },
  needs: ['memcached', 'memccapable', 'memcslap'],
  async run(place) {
    const checks = new Checks();
    const server = place.start(['memcached', '-u', 'nobody', '-l', '127.0.0.1', '-p', '11211', '-U', '0', '-I', '8m', '-m', '512']);
    await place.listening(server, 11_211);
    await protocol(place, checks);
    for (const test of ['set', 'get', 'mget']) {
      await checks.check(`memcslap, ${test}`, () => load(place, `--test=${test}`, '--concurrency=8'));
      await checks.check(`memcslap, ${test}, binary and non-blocking`, () => load(place, `--test=${test}`, '--concurrency=8', '--binary', '--non-blocking'));
    }
    for (const size of SIZES) {
      await checks.check(`a file of ${size}`, () => file(place, size));
      await checks.check(`a file of ${size}, binary`, () => file(place, size, '--binary'));
    }
    await checks.check('memcrm', async () => {
      await place.output(['memcrm', ...SERVER, 'file100']);
      return (await place.run(['memccat', ...SERVER, 'file100'])).how;
    });
    return checks.outcomes;
  },
};
