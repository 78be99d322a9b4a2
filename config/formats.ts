/**
 * What a value may look like. Every source (file, environment, flag) hands over text, so that a value is read in one
 * way wherever it was written; convict then checks the result again through the same rules.
 */
import convict from 'convict';
import { isIP } from 'node:net';
import { readDuration, readSize, showDuration, showSize } from './units.js';
import { structuredFormat } from './structured.js';
import { parseSelector, SELECTOR_EXAMPLE } from './selector.js';
import { parseWeight } from './weight.js';
import type { Value } from './types.js';

/** The limits that a key of the schema puts on its format. */
export interface Rule {
  readonly min?: number;
  readonly max?: number;
  readonly multipleOf?: number;
  readonly powerOfTwo?: boolean;
  readonly maxBytes?: number;
  readonly keyword?: string;
  readonly choices?: readonly string[];
}

export interface Format {
  /** Undefined when the text is nothing of this kind. */
  readonly read: (text: string, rule: Rule) => Value | undefined;
  readonly show: (value: Value) => string;
  /** Completes "expected ...". */
  readonly expected: (rule: Rule) => string;
  /** Of a list: what is wrong with one entry, '' when nothing is. */
  readonly complaint?: (entry: string) => string;
}

const plain = (value: Value): string => (typeof value === 'object' ? JSON.stringify(value) : String(value));
const within = (rule: Rule, show: (value: number) => string): string =>
  rule.min === undefined || rule.max === undefined ? '' : `, from ${show(rule.min)} to ${show(rule.max)}`;
const numeric = (show: (value: number) => string) => (value: Value): string => show(Number(value));
const whole = (text: string): number | undefined => (/^\d{1,15}$/.test(text) ? Number(text) : undefined);

/** A list in one line, as in an environment variable. */
export const entriesOf = (text: string): string[] => text.split(',').map((entry) => entry.trim()).filter((entry) => entry !== '');

const hostLabel = /^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/;
// All digits and dots that isIP() refuses is a mistyped address, not a name.
const isHost = (text: string): boolean =>
  isIP(text) !== 0 || (!/^[\d.]+$/.test(text) && text.split('.').every((label) => hostLabel.test(label)));
const isPath = (text: string): boolean =>
  text.startsWith('/') && !text.includes('\0') && !text.split('/').includes('..');

function isNatsUrl(text: string): boolean {
  const full = /^[a-z]+:\/\//.test(text) ? text : `nats://${text}`;
  if (!URL.canParse(full)) return false;
  const url = new URL(full);
  return ['nats:', 'tls:'].includes(url.protocol) && url.hostname !== '' && url.username === '' && ['', '/'].includes(url.pathname) && url.search === '';
}

/** The token goes to whoever answers: TLS, or loopback where nobody else can listen. */
function isApiServer(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, username, search, hash } = new URL(text);
  const isSafe = protocol === 'https:' || (protocol === 'http:' && /^(127\.[\d.]+|\[::1\]|localhost)$/.test(hostname));
  return isSafe && username === '' && search === '' && hash === '';
}

/** `parse` gives what an entry stands for, or what is wrong with it in words. */
const list = (parse: (entry: string) => unknown, expected: (rule: Rule) => string): Format => ({
  read: (text) => {
    const entries = entriesOf(text);
    return entries.every((entry) => typeof parse(entry) !== 'string') ? entries : undefined;
  },
  show: (value) => (value as readonly string[]).join(', '),
  expected,
  complaint: (entry) => {
    const found = parse(entry);
    return typeof found === 'string' ? found : '';
  },
});

export const formats: Readonly<Record<string, Format>> = {
  services: structuredFormat('services', 'services'),
  tuning: structuredFormat('tuning', 'rules'),
  frontdoors: structuredFormat('frontdoors', 'listeners'),
  paths: list((entry) => (isPath(entry) ? true : 'it is no absolute path without ".."'), () => 'a list of absolute paths'),
  'nats-servers': list(
    (entry) => (isNatsUrl(entry) ? true : 'it is no server such as tls://nats.example:4222, without name or password'),
    () => 'a list of servers such as tls://nats.example:4222',
  ),
  name: {
    read: (text, rule) => (text === rule.keyword || /^[A-Za-z0-9]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?$/.test(text) ? text : undefined),
    show: plain,
    expected: (rule) => `a name of letters, digits, - and _${rule.keyword === '' ? ', or nothing' : ''}`,
  },
  node: {
    read: (text, rule) => (text === rule.keyword || (text.length <= 253 && text.split('.').every((label) => hostLabel.test(label))) ? text : undefined),
    show: plain,
    expected: () => 'the name of a node',
  },
  'api-server': {
    read: (text) => (text === '' || isApiServer(text) ? text : undefined),
    show: plain,
    expected: () => 'a URL such as https://192.0.2.1:6443, or nothing; http:// on loopback only',
  },
  address: {
    read: (text, rule) => (text === rule.keyword || isIP(text) !== 0 ? text : undefined),
    show: plain,
    expected: (rule) => `${rule.keyword === undefined ? '' : `${rule.keyword} or `}an IP address`,
  },
  choice: {
    read: (text, rule) => (rule.choices?.includes(text) ? text : undefined),
    show: plain,
    expected: (rule) => `one of ${(rule.choices ?? []).join(', ')}`,
  },
  switch: {
    read: (text) => (text === 'true' || text === 'false' ? text === 'true' : undefined),
    show: plain,
    expected: () => 'true or false',
  },
  count: {
    read: whole,
    show: plain,
    expected: (rule) => `a whole number${within(rule, plain)}`,
  },
  size: {
    read: readSize,
    show: numeric(showSize),
    expected: (rule) =>
      `a size such as 256KiB, 1MiB or a number of bytes${within(rule, showSize)}` +
      (rule.powerOfTwo ? ', a power of two' : '') +
      (rule.multipleOf === undefined ? '' : `, a multiple of ${String(rule.multipleOf)}`),
  },
  duration: {
    read: readDuration,
    show: numeric(showDuration),
    expected: (rule) => `a duration such as 500ms, 5s or 1m${within(rule, showDuration)}`,
  },
  'tcp-port': {
    read: whole,
    show: plain,
    expected: () => 'a port, from 0 to 65535',
  },
  host: {
    read: (text) => (isHost(text) ? text : undefined),
    show: plain,
    expected: () => 'an IP address or a host name',
  },
  path: {
    read: (text, rule) => (text === rule.keyword || isPath(text) ? text : undefined),
    show: plain,
    expected: (rule) =>
      (rule.keyword === undefined ? '' : `${rule.keyword === '' ? 'nothing' : rule.keyword} or `) +
      'an absolute path without ".."' +
      (rule.maxBytes === undefined ? '' : `, at most ${String(rule.maxBytes)} bytes`),
  },
  group: {
    read: (text) => (/^([A-Za-z_][A-Za-z0-9_.-]{0,31}|\d{1,10})?$/.test(text) ? text : undefined),
    show: plain,
    expected: () => 'the name or the number of a group, or nothing',
  },
  selectors: list(parseSelector, (rule) => `a list of at most ${String(rule.max)} selectors such as ${SELECTOR_EXAMPLE}`),
  weights: list(parseWeight, (rule) => `a list of at most ${String(rule.max)} selectors with a weight from 1 to 1000 such as "program:nginx = 3"`),
  'file-mode': {
    read: (text) => (/^0?[0-7]{3}$/.test(text) ? Number.parseInt(text, 8) : undefined),
    show: (value) => `0${Number(value).toString(8).padStart(3, '0')}`,
    expected: () => 'permissions of three octal digits such as "0660"',
  },
};

const limits: Readonly<Record<string, Rule>> = { 'tcp-port': { min: 0, max: 65535 } };

/** Whether a value that was read keeps to the limits of its key. */
export function fits(value: Value, rule: Rule, format: string): boolean {
  const { min, max, multipleOf, powerOfTwo, maxBytes } = { ...limits[format], ...rule };
  if (typeof value === 'string') return maxBytes === undefined || Buffer.byteLength(value) <= maxBytes;
  if (typeof value === 'boolean') return true;
  if (typeof value === 'object') return max === undefined || value.length <= max;
  return (
    (min === undefined || value >= min) &&
    (max === undefined || value <= max) &&
    (multipleOf === undefined || value % multipleOf === 0) &&
    (!powerOfTwo || Number.isInteger(Math.log2(value)))
  );
}

for (const [name, format] of Object.entries(formats)) {
  convict.addFormat({
    name,
    validate(value: Value, node: convict.SchemaObj) {
      const rule = node as Rule;
      const again = format.read(format.show(value), rule);
      if (again === undefined || format.show(again) !== format.show(value) || !fits(value, rule, name))
        throw new Error(`expected ${format.expected(rule)}`);
    },
  });
}
