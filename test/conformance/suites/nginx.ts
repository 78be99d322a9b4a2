// SPDX-License-Identifier: Apache-2.0
/** nginx as a server of files, a proxy with and without kept connections and buffers, and a proxy of streams. */
import { Checks } from '../checks.js';
import { BODIES, bodies, get, h2load, nginx, wrk } from '../web.js';
import type { Suite } from '../suite.js';

const HTTP = {
  'files': 'http://127.0.0.1:8080',
  'sendfile': 'http://127.0.0.1:8081',
  'proxy, kept': 'http://127.0.0.1:8082',
  'proxy, unbuffered': 'http://127.0.0.1:8083',
  'stream': 'http://127.0.0.1:8086',
};

export const NGINX: Suite = {
  name: 'nginx',
  about: 'nginx: files, proxies and streams, bodies of 1 B to 5 MB up and down by curl, HTTP/2 by h2load, keep-alive and not by wrk',
  floor: { connections: 0.6, bytes: 0 },
  needs: ['nginx', 'curl', 'wrk', 'h2load', 'openssl'],
  async run(place) {
    const checks = new Checks();
    await nginx(place);
    for (const [name, url] of Object.entries(HTTP)) await bodies(place, checks, name, url, { put: name !== 'sendfile' });
    // This curl cannot keep a connection with prior knowledge; over TLS it can.
    for (const size of BODIES) await checks.check(`HTTP/2: GET ${size}`, () => get(place, 'http://127.0.0.1:8084', size, '--http2-prior-knowledge'));
    await bodies(place, checks, 'HTTP/2, TLS', 'https://127.0.0.1:8085', { words: ['--cacert', 'cert.pem'] });
    for (const [name, url] of Object.entries(HTTP)) {
      await checks.check(`${name}: wrk, kept`, () => wrk(place, `${url}/f100`));
      await checks.check(`${name}: wrk, not kept`, () => wrk(place, `${url}/f10000`, '-H', 'Connection: close'));
    }
    await checks.check('HTTP/2: h2load', () => h2load(place, 'http://127.0.0.1:8084/f10000', '-m', '20'));
    await checks.check('HTTP/2 in front of a proxy: h2load', () => h2load(place, 'http://127.0.0.1:8084/up/f300000', '-m', '5'));
    await checks.check('HTTP/2, TLS: h2load', () => h2load(place, 'https://127.0.0.1:8085/f10000', '-m', '20'));
    await checks.check('HTTP/1.1: h2load', () => h2load(place, 'http://127.0.0.1:8082/f65536', '--h1'));
    return checks.outcomes;
  },
};
