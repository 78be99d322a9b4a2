import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { HEADERS, isOwnHost, refusalOf } from '../../../agent/web/guard.js';

describe('guard of the web view', () => {
  for (const host of ['localhost', 'LOCALHOST:9465', '127.0.0.1', '127.0.0.1:9465', '[::1]', '[::1]:80', '10.0.0.7:9465', '[fd00::7]:9465'])
    it(`answers to ${host}`, () => assert.equal(isOwnHost(host), true));

  for (const host of [undefined, '', 'evil.example', 'evil.example:9465', 'localhost.evil.example', 'evil.example#localhost', '127.0.0.1.evil.example', '127.0.0.1.nip.io:9465', '::1',
    '[::1', '[::1]x', '[localhost]', '127.0.0.1:9465:1', '127.0.0.1 evil', '999.0.0.1', '127.1', '2130706433', 'localhost:', 'localhost:port', '[127.0.0.1]', '127.0.0.1,evil'])
    it(`does not answer to ${String(host)} (DNS rebinding)`, () => assert.equal(isOwnHost(host), false));

  const local = { host: '127.0.0.1:9465' };

  for (const method of ['POST', 'PUT', 'DELETE', 'HEAD', 'OPTIONS', 'TRACE', undefined])
    it(`refuses ${String(method)}`, () => assert.equal(refusalOf(method, local)?.status, 405));

  for (const [what, headers, status] of [
    ['a tool without such headers', {}, undefined],
    ['its own page', { 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'cors' }, undefined],
    ['somebody who types the address', { 'sec-fetch-site': 'none', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }, undefined],
    ['somebody who follows a link', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }, undefined],
    ['the script of another site', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'cors' }, 403],
    ['the script of another port', { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'no-cors' }, 403],
    ['the frame of another site', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe' }, 403],
  ] as const)
    it(`${status === undefined ? 'answers' : 'refuses'} ${what}`, () => assert.equal(refusalOf('GET', { ...local, ...headers })?.status, status));

  it('allows nothing inline, nothing from elsewhere, no frame, and no markup made of text', () => {
    const policy = HEADERS['content-security-policy']!;
    assert.doesNotMatch(policy, /unsafe|https?:|\*|data:/);
    for (const part of ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "require-trusted-types-for 'script'"]) assert.ok(policy.includes(part), part);
    assert.ok(!Object.keys(HEADERS).some((name) => name.startsWith('access-control')));
  });
});
