// Numbers and names as people read them.

/** @typedef {import('../../pairs/resolve.js').EndpointView} End */
/** @typedef {import('../../datapath/types.js').Traffic} Traffic */

/** @type {(value: number, base: number, units: readonly string[]) => string} */
function scale(value, base, units) {
  let step = 0;
  let scaled = value;
  while (scaled >= 999.5 && step < units.length - 1) {
    scaled /= base;
    step++;
  }
  return `${step === 0 || scaled >= 99.95 ? Math.round(scaled) : scaled.toFixed(1)}${units[step] ?? ''}`;
}

/** @type {(value: number) => string} */
export const count = (value) => scale(value, 1000, ['', 'k', 'M', 'G', 'T']);
/** @type {(value: number) => string} */
export const bytes = (value) => scale(value, 1024, [' B', ' KiB', ' MiB', ' GiB', ' TiB']);
/** @type {(value: number | undefined) => string} */
export const rate = (value) => (value === undefined ? '' : `${bytes(value)}/s`);
// 99.6 % is not all: only a share of one reads 100.
/** @type {(share: number | undefined) => string} */
export const percent = (share) => (share === undefined ? '–' : `${share < 1 ? Math.min(99, Math.round(share * 100)) : 100} %`);

/** @type {(ms: number) => string} */
export function age(ms) {
  const seconds = Math.floor(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

/** @type {(end: End) => string} */
export const at = ({ address, port, family }) => `${family === 'ipv6' ? `[${address}]` : address}:${port}`;
/** @type {(end: End) => string} */
export const nameOf = (end) => (end.comm === '' && end.pid === 0 ? at(end) : `${end.comm === '' ? '?' : end.comm}${end.pid === 0 ? '' : `/${end.pid}`}`);

/**
 * The share is that of the messages; what never entered the map has bytes only.
 * @type {(sent: readonly Traffic[]) => { share: number | undefined, bytes: number }}
 */
export function sum(sent) {
  /** @type {(what: (one: Traffic) => number) => number} */
  const total = (what) => sent.reduce((before, one) => before + what(one), 0);
  const [around, passed] = [total((one) => one.redirectedMessages), total((one) => one.passedMessages)];
  const [aroundBytes, passedBytes] = [total((one) => one.redirectedBytes), total((one) => one.passedBytes)];
  const bytes = aroundBytes + passedBytes;
  return { share: around + passed > 0 ? around / (around + passed) : bytes > 0 ? aroundBytes / bytes : undefined, bytes };
}

/** Which of the four looks a line or a cell has. @type {(share: number | undefined) => 'around' | 'mixed' | 'tcp' | 'quiet'} */
export const lookOf = (share) => (share === undefined ? 'quiet' : share >= 0.9 ? 'around' : share > 0.1 ? 'mixed' : 'tcp');

/** @type {(number: number, one: string, many?: string) => string} */
export const plural = (number, one, many = `${one}s`) => `${number} ${number === 1 ? one : many}`;
