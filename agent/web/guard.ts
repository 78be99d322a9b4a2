/**
 * Which requests are answered. A page of another site may send requests to the loopback of whoever looks at it: it must
 * get nothing, neither by a name that it has pointed here (DNS rebinding) nor from its own origin.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';

export interface Refusal {
  readonly status: number;
  readonly why: string;
}

/** An address cannot be rebound and `localhost` is never looked up elsewhere; a name may belong to anybody. */
export function isOwnHost(host: string | undefined): boolean {
  const [, six, other] = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9.]+))(?::\d{1,5})?$/i.exec(host ?? '') ?? [];
  return six === undefined ? other !== undefined && (other.toLowerCase() === 'localhost' || isIP(other) === 4) : isIP(six) === 6;
}

/** Undefined: answer it. */
export function refusalOf(method: string | undefined, headers: IncomingHttpHeaders): Refusal | undefined {
  if (method !== 'GET') return { status: 405, why: 'only GET' };
  if (!isOwnHost(headers.host)) return { status: 421, why: 'ask by address or as localhost, not by another name' };
  const site = headers['sec-fetch-site'];
  // Somebody may follow a link to the page; nobody else's page may load a part of it.
  const isVisit = headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document';
  if ((site === 'cross-site' || site === 'same-site') && !isVisit) return { status: 403, why: 'not for the page of another site' };
  return undefined;
}

/** Nothing from elsewhere, nothing inline, and no text becomes markup or script. */
export const HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': [
    "default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "img-src 'self'", "base-uri 'none'", "form-action 'none'",
    "frame-ancestors 'none'", "require-trusted-types-for 'script'", "trusted-types 'none'",
  ].join('; '),
  'cross-origin-resource-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'cache-control': 'no-store',
};
