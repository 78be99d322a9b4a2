// SPDX-License-Identifier: Apache-2.0
/** HAProxy in front of nginx, as it comes and with splicing. */
import { Checks } from '../checks.js';
import { bodies, get, nginx, wrk } from '../web.js';
import type { Suite } from '../suite.js';

const FRONTS = {
  'tcp': 'http://127.0.0.1:9000',
  'http': 'http://127.0.0.1:9001',
  'http, fresh': 'http://127.0.0.1:9002',
  'http, buffered': 'http://127.0.0.1:9003',
};

const haproxy = (suite: Pick<Suite, 'name' | 'about' | 'floor' | 'why' | 'known'>, env: NodeJS.ProcessEnv): Suite => ({
  ...suite,
  needs: ['haproxy', 'nginx', 'curl', 'wrk', 'openssl'],
  async run(place) {
    const checks = new Checks();
    await nginx(place);
    const server = place.start(['haproxy', '-db', '-f', place.source('configs/haproxy.cfg')], { env });
    await place.listening(server, 9003);
    for (const [name, url] of Object.entries(FRONTS)) {
      await bodies(place, checks, name, url, { put: true });
      await checks.check(`${name}: GET, read slowly`, () => get(place, url, 1_000_000, '--limit-rate', '3M'));
      await checks.check(`${name}: wrk, kept`, () => wrk(place, `${url}/f100`));
      await checks.check(`${name}: wrk, not kept`, () => wrk(place, `${url}/f65536`, '-H', 'Connection: close'));
    }
    return checks.outcomes;
  },
});

/** Once for each front at most: the guard has caught it then. */
const FIRST_SPLICE = [{ check: /: (GET|PUT) 1$/, limit: 'a program that reads first and splices later loses a connection', sometimes: true }] as const;

export const HAPROXY: readonly Suite[] = [
  haproxy({
    name: 'haproxy',
    about: 'HAProxy in front of nginx, mode tcp and mode http: bodies of 1 B to 5 MB up and down, slow readers, wrk',
    floor: { connections: 0.6, bytes: 0 },
  }, {}),
  haproxy({
    name: 'haproxy, splice-auto',
    about: 'the same with option splice-auto',
    floor: { connections: 0, bytes: 0 },
    why: 'it decides by itself whether to splice, and is on TCP from then on',
    known: FIRST_SPLICE,
  }, { SPLICE: 'auto' }),
  haproxy({
    name: 'haproxy, splicing',
    about: 'the same with options splice-request and splice-response',
    floor: { connections: 0, bytes: 0 },
    why: 'a program that splices stays on TCP',
    known: FIRST_SPLICE,
  }, { SPLICE: 'always' }),
];
