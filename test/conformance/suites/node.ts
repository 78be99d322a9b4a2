// SPDX-License-Identifier: Apache-2.0
/** Node.js and two packages from npm: every body by its hash. libuv comes with them. */
import { Checks } from '../checks.js';
import { certificate } from '../certificate.js';
import type { Suite } from '../suite.js';

const nodeSuite = (driver: string, port: number, about: string): Suite => ({
  name: `node ${driver}`,
  about,
  floor: { connections: 0.6, bytes: 0 },
  needs: ['openssl'],
  async run(place) {
    const checks = new Checks();
    await certificate(place);
    const server = place.start(place.driver(driver, 'serve'));
    await place.listening(server, port);
    await checks.driver(driver, place.run(place.driver(driver, 'ask', ...(place.short ? ['short'] : [])), { limitS: 180 }));
    return checks.outcomes;
  },
});

export const NODE: readonly Suite[] = [
  nodeSuite('net', 7006, 'sockets: sizes, rounds, many at once, slow readers and writers, half-close, resets'),
  nodeSuite('undici', 7100, 'HTTP/1.1 by undici: bodies, pipelines, pools, streams, torn and late answers'),
  nodeSuite('ws', 7201, 'WebSockets by ws: messages, fragments, compression, broadcasts, codes'),
  nodeSuite('http2', 7301, 'HTTP/2 in the clear and over TLS: bodies, many streams, slow readers, trailers, resets'),
];
