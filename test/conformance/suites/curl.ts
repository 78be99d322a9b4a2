// SPDX-License-Identifier: Apache-2.0
/** What curl can do, against nginx. */
import { Checks, digest, must, pattern } from '../checks.js';
import { body, curl, nginx } from '../web.js';
import { readFileSync, writeFileSync } from 'node:fs';
import type { Place } from '../place.js';
import type { Suite } from '../suite.js';

const FILES = 'http://127.0.0.1:8080';
const PROXY = 'http://127.0.0.1:8082';

/** What curl knows of a transfer. */
const FACTS = '%{http_code} %{size_download} %{size_upload} %{num_connects} %{num_redirects} %{http_version}';
const facts = async (place: Place, ...words: string[]): Promise<string> =>
  (await curl(place, '-o', '/dev/null', '-w', FACTS, ...words)).toString();

async function parallel(place: Place, url: string, ...words: string[]): Promise<string> {
  await curl(place, '--parallel', '--parallel-max', '50', ...words, '-o', 'part_#1', `${url}/f65536?[1-100]`);
  const parts = Array.from({ length: 100 }, (_, index) => readFileSync(place.path(`part_${index + 1}`)));
  must(parts.every((part) => part.equals(body(65_536))), 'another body');
  return `${parts.length} whole`;
}

const TRANSFERS: Readonly<Record<string, (place: Place) => Promise<string>>> = {
  'what it knows of a GET': (place) => facts(place, `${PROXY}/f10000`),
  'what it knows of a HEAD': (place) => facts(place, '-I', `${PROXY}/f10000`),
  'what it knows of a 404': (place) => facts(place, `${PROXY}/absent`),
  'a redirection': (place) => facts(place, '-L', `${FILES}/moved/`),
  'HTTP/1.0': (place) => facts(place, '--http1.0', `${FILES}/f300000`),
  'a part': async (place) => digest(await curl(place, '-r', '1000-99999', `${PROXY}/f300000`)),
  'several parts': async (place) => (await curl(place, '-r', '0-99,5000-5099', '-o', '/dev/null', '-w', '%{http_code} %{size_download}', `${FILES}/f300000`)).toString(),
  'the rest of a file': async (place) => {
    writeFileSync(place.path('rest'), body(1_000_000).subarray(0, 333_333));
    await curl(place, '-C', '-', '-o', 'rest', `${PROXY}/f1000000`);
    return digest(readFileSync(place.path('rest')));
  },
  'compressed': async (place) => digest(await curl(place, '--compressed', `${FILES}/packed/f1000000`)),
  'read slowly': async (place) => digest(await curl(place, '--limit-rate', '4M', `${PROXY}/f5000000`)),
  'sent slowly': async (place) => digest(await curl(place, `${PROXY}/slow/f1000000`)),
  'up in chunks': async (place) => {
    const sent = pattern(777_777, 'chunks');
    const { how, stdout } = await place.run(['curl', '-sS', '-T', '-', '-w', '%{http_code}', `${PROXY}/put/chunks`], { input: sent });
    must(readFileSync(place.path('www/put/chunks')).equals(sent), `another body arrived: ${how}`);
    return `${how} ${stdout.toString()}`;
  },
  'up, and the server is asked first': (place) => facts(place, '-H', 'Expect: 100-continue', '-T', place.path('www/f1000000'), `${PROXY}/put/asked`),
  '100 at once': (place) => parallel(place, PROXY),
  '100 at once over TLS': (place) => parallel(place, 'https://127.0.0.1:8085', '--cacert', 'cert.pem'),
  'given up after a time': async (place) => (await place.run(['curl', '-sS', '--max-time', '0.3', '-o', '/dev/null', `${PROXY}/slow/f5000000`])).how,
  'nobody listens': async (place) => (await place.run(['curl', '-sS', 'http://127.0.0.1:1'])).how,
  'a certificate of nobody': async (place) => (await place.run(['curl', '-sS', 'https://127.0.0.1:8085/f100'])).how,
};

export const CURL: Suite = {
  name: 'curl',
  about: 'curl against nginx: parts, redirections, chunks, compression, 100 at once, giving up',
  floor: { connections: 0.6, bytes: 0 },
  needs: ['nginx', 'curl', 'openssl'],
  async run(place) {
    const checks = new Checks();
    await nginx(place);
    for (const [name, transfer] of Object.entries(TRANSFERS)) await checks.check(name, () => transfer(place));
    return checks.outcomes;
  },
};
