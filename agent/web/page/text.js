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

/** @type {(sent: readonly Traffic[]) => { around: number, all: number, share: number | undefined, bytes: number }} */
export function sum(sent) {
  const messages = sent.reduce((total, one) => total + one.redirectedMessages + one.passedMessages, 0);
  const around = sent.reduce((total, one) => total + one.redirectedMessages, 0);
  const all = sent.reduce((total, one) => total + one.redirectedBytes + one.passedBytes, 0);
  return { around, all: messages, share: messages === 0 ? undefined : around / messages, bytes: all };
}

/** Which of the four looks a line or a cell has. @type {(share: number | undefined) => 'around' | 'mixed' | 'tcp' | 'quiet'} */
export const lookOf = (share) => (share === undefined ? 'quiet' : share >= 0.9 ? 'around' : share > 0.1 ? 'mixed' : 'tcp');

/** @type {(number: number, one: string, many?: string) => string} */
export const plural = (number, one, many = `${one}s`) => `${number} ${number === 1 ? one : many}`;
