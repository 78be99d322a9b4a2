/** The list of rules for TCP settings: what it may look like. */
import { parseSelector } from './selector.js';
import * as shape from './shape.js';
import type { Fields, Finding, Reader } from './shape.js';
import { TUNING_OPTIONS, type TuningConfig } from './tuning-types.js';

const NAME = /^[A-Za-z0-9]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?$/;
const KiB = 1024;
const day = 24 * 3_600_000;
/** What the kernel keeps the value in. */
const most = 2 ** 31 - 1;

/** A term of a selector, in its own words. */
const term = <K extends 'ports' | 'network'>(name: string, key: K, expected: string): Reader<NonNullable<Exclude<ReturnType<typeof parseSelector>, string>[K]>> =>
  (value, path, findings) => {
    const parsed = typeof value === 'string' || typeof value === 'number' ? parseSelector(`${name}:${String(value).trim()}`) : '';
    const found = typeof parsed === 'string' ? undefined : parsed[key];
    if (found === undefined) findings.push({ path, message: `given ${JSON.stringify(value)}, expected ${expected}.`, hint: 'Correct it.' });
    return found as NonNullable<typeof found>;
  };

const seconds = (longest: number): Reader<number> => (value, path, findings) => {
  const ms = shape.duration(1000, longest)(value, path, findings);
  if (ms % 1000 !== 0) findings.push({ path, message: `given ${JSON.stringify(value)}, and the kernel counts it in whole seconds.`, hint: 'Round it.' });
  return ms;
};

export const tuningFields: Fields<TuningConfig> = {
  service: { read: shape.text('the name of a service', (text) => NAME.test(text)), otherwise: '', doc: 'only connections of this host to that service' },
  port: { read: term('port', 'ports', 'a port, or a range such as 8000-8099'), otherwise: { first: 0, last: 65535 }, doc: 'only connections to this port of the server, or a range such as 8000-8099' },
  cidr: { read: term('cidr', 'network', 'a network such as 10.0.0.0/8'), otherwise: { address: Array<number>(16).fill(0), prefix: 0 }, doc: 'only connections whose other end is in this network' },
  congestionControl: { read: shape.text('a name of 1 to 15 letters, digits, - and _', (text) => /^[a-z0-9_-]{1,15}$/.test(text)), otherwise: null, doc: 'congestion control, such as bbr; its module must be loaded' },
  sendBuffer: { read: shape.size(4 * KiB, most / 2), otherwise: null, doc: 'SO_SNDBUF; the kernel doubles it, keeps it below net.core.wmem_max, and stops to adapt it' },
  receiveBuffer: { read: shape.size(4 * KiB, most / 2), otherwise: null, doc: 'SO_RCVBUF, likewise, below net.core.rmem_max' },
  initialWindow: { read: shape.whole(1, 1000), otherwise: null, doc: 'segments that may be sent before the first answer' },
  synTimeout: { read: shape.duration(10, 60_000), otherwise: null, doc: 'until the first SYN is sent again; it doubles from there. Of clients' },
  synRetries: { read: shape.whole(1, 127), otherwise: null, doc: 'how often it is sent again. Of clients' },
  keepaliveIdle: { read: seconds(9 * 3_600_000), otherwise: null, doc: 'silence until the first keepalive probe. Each of the three switches keepalive on' },
  keepaliveInterval: { read: seconds(9 * 3_600_000), otherwise: null, doc: 'between two probes' },
  keepaliveProbes: { read: shape.whole(1, 127), otherwise: null, doc: 'probes without an answer until the connection is given up' },
  userTimeout: { read: shape.duration(1, day), otherwise: null, doc: 'longest wait for what was sent to be acknowledged, until the connection is given up' },
  noDelay: { read: shape.flag, otherwise: null, doc: 'whether small segments are sent at once (TCP_NODELAY)' },
  notSentLowWater: { read: shape.size(1, most), otherwise: null, doc: 'bytes that may wait unsent until a program is asked to wait (TCP_NOTSENT_LOWAT)' },
  pacing: { read: shape.size(KiB, most), otherwise: null, doc: 'most bytes a second, a size such as 12MiB' },
  ecn: { read: shape.flag, otherwise: null, doc: 'explicit congestion notification, whatever net.ipv4.tcp_ecn says, where both ends have such a rule; false asks for nothing' },
};

/** Most rules; each is looked at for each connection until one fits. */
export const MOST_RULES = 64;

export function readTuning(value: unknown): { value: TuningConfig[]; findings: Finding[] } {
  const findings: Finding[] = [];
  const rules = shape.list(shape.object(tuningFields), MOST_RULES)(value, [], findings);
  if (findings.length > 0) return { value: rules, findings };
  rules.forEach((rule, index) => {
    if (TUNING_OPTIONS.every((option) => rule[option] === null))
      findings.push({ path: [index], message: 'it sets nothing.', hint: `Give one of ${TUNING_OPTIONS.join(', ')}.` });
    if (rule.service === '' && rule.port.first === 0 && rule.cidr.prefix === 0)
      findings.push({ path: [index], message: 'it does not say for which connections.', hint: 'Give service, port or cidr; port: 1-65535 is all.' });
  });
  return { value: rules, findings };
}
