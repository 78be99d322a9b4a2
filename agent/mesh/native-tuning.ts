/** Rules for TCP settings between their own units and those of setsockopt(). */
import type { TuningOption } from '../../config/tuning-types.js';
import type { KernelRule, TunedSocket } from './types.js';

/** What setsockopt() counts in seconds. */
const inSeconds = new Set<string>(['keepaliveIdle', 'keepaliveInterval'] satisfies TuningOption[]);
/** getsockopt() tells what was doubled. */
const doubled = new Set<string>(['sendBuffer', 'receiveBuffer'] satisfies TuningOption[]);

const each = (values: Readonly<Record<string, number | string>>, change: (name: string, value: number) => number): Record<string, number | string> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, typeof value === 'number' ? change(name, value) : value]));

const textOf = (bytes: readonly number[]): string =>
  Array.from({ length: 8 }, (_, index) => (((bytes[2 * index] ?? 0) << 8) | (bytes[2 * index + 1] ?? 0)).toString(16)).join(':');

/** As the addon takes a rule. */
interface Plain {
  id: number;
  network: string;
  prefix: number;
  firstPort: number;
  lastPort: number;
  byService: boolean;
  service4: number;
  service6: number;
  [option: string]: number | string | boolean;
}

type Told = Omit<TunedSocket, 'given' | 'refused' | 'now'> & { given: string[]; refused: string[]; now: Record<string, number | string> };

export const ruleToNative = ({ id, services, port, cidr, set }: KernelRule): Plain => ({
  ...each(set, (name, value) => (inSeconds.has(name) ? value / 1000 : value)),
  id, network: textOf(cidr.address), prefix: cidr.prefix, firstPort: port.first, lastPort: port.last,
  byService: services !== undefined, service4: services?.[0] ?? 0, service6: services?.[1] ?? 0,
});

export const fromKernel = ({ given, refused, now, ...rest }: Told): TunedSocket => ({
  ...rest, given: given as TuningOption[], refused: refused as TuningOption[],
  now: each(now, (name, value) => (inSeconds.has(name) ? value * 1000 : doubled.has(name) ? value / 2 : value)),
});
