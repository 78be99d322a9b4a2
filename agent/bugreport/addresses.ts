/** IP and MAC addresses in a text, wherever they stand. When in doubt, something is one. */
import ipaddr from 'ipaddr.js';
import { isIPv6 } from 'node:net';

export type Replace = (found: string) => string;

const isWord = (char: string | undefined): boolean => char !== undefined && /\w/.test(char);

// Also with dashes, as names of cloud hosts and pods have them: ip-10-0-0-7. A date begins with four digits.
const v4 = /(?<!\d)(\d{1,3})([.-])(\d{1,3})\2(\d{1,3})\2(\d{1,3})(?!\d)/g;
const mac = /(?<![0-9a-f:-])[0-9a-f]{2}(?:([:-])[0-9a-f]{2})(?:\1[0-9a-f]{2}){4}(?![0-9a-f:-])/gi;
// Whatever an IPv6 address could be part of: `peer:fd00::7:` has one in the middle.
const run = /[0-9a-f:.]*:[0-9a-f:.]*:[0-9a-f:.]*/gi;
const longest = 45;

/** End of the longest address that begins at `from`; -1: none does. */
function endOf(text: string, from: number, limit: number): number {
  for (let end = Math.min(limit, from + longest); end > from + 1; end--)
    if (!isWord(text[end]) && isIPv6(text.slice(from, end))) return end;
  return -1;
}

function replaceV6(text: string, replace: Replace): string {
  let result = '';
  let done = 0;
  for (const { 0: { length }, index } of text.matchAll(run)) {
    for (let from = index; from < index + length; from++) {
      if (isWord(text[from - 1])) continue;
      const end = endOf(text, from, index + length);
      if (end < 0) continue;
      result += text.slice(done, from) + replace(text.slice(from, end));
      done = end;
      from = end - 1;
    }
  }
  return result + text.slice(done);
}

export function replaceAddresses(text: string, replaced: Replace): string {
  // The address of nothing stays: every cgroup of version 2 is `0::/path`.
  const replace: Replace = (found) => (['::', '0.0.0.0'].includes(kindOf(found).canonical) ? found : replaced(found));
  const bytes = (parts: readonly string[]): boolean => parts.every((part) => Number(part) <= 255);
  return replaceV6(text.replace(mac, replace), replace)
    .replace(v4, (all: string, a: string, _: string, b: string, c: string, d: string) => (bytes([a, b, c, d]) ? replace([a, b, c, d].map(Number).join('.')) : all));
}

/** One spelling for each address, and what kind it is: `ip4-private`. A v4-mapped one is the IPv4 address. */
export function kindOf(address: string): { canonical: string; kind: string } {
  if (!ipaddr.isValid(address)) return { canonical: address.toLowerCase(), kind: 'mac' };
  const parsed = ipaddr.process(address);
  const range = parsed.range().replaceAll(/[A-Z]/g, (capital) => `-${capital.toLowerCase()}`);
  return { canonical: parsed.toString(), kind: `ip${parsed.kind() === 'ipv4' ? '4' : '6'}-${range}` };
}
