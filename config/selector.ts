/** Selectors: how an operator names connections. `user:app port:8000-8099` is one selector of two terms. */
import ipaddr from 'ipaddr.js';

export interface Selector {
  readonly program?: string;
  readonly exe?: string;
  readonly cgroup?: string;
  readonly ports?: { readonly first: number; readonly last: number };
  /** Sixteen bytes, IPv4 as v4-mapped, and how many bits of them count. */
  readonly network?: { readonly address: readonly number[]; readonly prefix: number };
  readonly user?: string;
}

export const SELECTOR_EXAMPLE = 'program:redis-server, or "user:app port:8000-8099"';

type Terms = { -readonly [K in keyof Selector]: Selector[K] };
/** Takes one term into the selector; the answer is what the term should have been, '' when it is good. */
type Read = (value: string, into: Terms) => string;

function readPorts(value: string, into: Terms): string {
  const [, from = '', to = from] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(value) ?? [];
  const [first, last] = [Number(from), Number(to)];
  if (from === '' || first < 1 || last > 65535 || first > last) return 'a port from 1 to 65535, or two of them as in 8000-8099';
  into.ports = { first, last };
  return '';
}

function readNetwork(value: string, into: Terms): string {
  const wrong = 'an address or a network such as 10.0.0.0/8 or fd00::/8';
  if (!/^[\da-fA-F.:]+(\/\d{1,3})?$/.test(value)) return wrong;
  try {
    const [text = '', bits] = value.split('/');
    // "10.1" and "0x7f.1" are addresses to some programs and a mistake to everybody else.
    if (!text.includes(':') && !ipaddr.IPv4.isValidFourPartDecimal(text)) return wrong;
    const address = ipaddr.parse(text);
    const width = address.kind() === 'ipv4' ? 32 : 128;
    const prefix = bits === undefined ? width : Number(bits);
    if (prefix > width) return wrong;
    const v6 = address.kind() === 'ipv4' ? (address as ipaddr.IPv4).toIPv4MappedAddress() : address;
    into.network = { address: v6.toByteArray(), prefix: prefix + 128 - width };
    return '';
  } catch {
    return wrong;
  }
}

const isAbsolute = (value: string): boolean => value.startsWith('/') && !value.split('/').includes('..');

const kinds: Readonly<Record<string, Read>> = {
  program: (value, into) => {
    into.program = value;
    return /^[^/\0]+$/.test(value) ? '' : 'the name of a command, without a path';
  },
  exe: (value, into) => {
    into.exe = value;
    return isAbsolute(value) ? '' : 'the absolute path of an executable';
  },
  cgroup: (value, into) => {
    into.cgroup = value.replace(/(.)\/+$/, '$1');
    return isAbsolute(value) ? '' : 'the path of a cgroup below the mount of cgroup v2, such as /system.slice/redis.service';
  },
  port: readPorts,
  cidr: readNetwork,
  user: (value, into) => {
    into.user = value;
    return /^([A-Za-z_][A-Za-z0-9_.-]{0,31}|\d{1,10})$/.test(value) ? '' : 'the name or the number of a user';
  },
};

const kindList = Object.keys(kinds).join(', ');

/** The selector, or what is wrong with the text in words that finish "... is not a selector: ". */
export function parseSelector(text: string): Selector | string {
  const into: Terms = {};
  const terms = text.split(/\s+/).filter((term) => term !== '');
  if (terms.length === 0) return `it is empty; write for example ${SELECTOR_EXAMPLE}`;
  for (const term of terms) {
    const [, kind = '', value = ''] = /^([a-z]+):(.*)$/s.exec(term) ?? [];
    const read = Object.hasOwn(kinds, kind) ? kinds[kind] : undefined;
    if (!read) return `${JSON.stringify(term)} does not begin with one of ${kindList} and a colon`;
    if (terms.filter((other) => other.startsWith(`${kind}:`)).length > 1) return `it has two terms of the kind ${kind}`;
    const expected = read(value, into);
    if (expected !== '') return `${kind}: takes ${expected}, not ${JSON.stringify(value)}`;
  }
  return into;
}
