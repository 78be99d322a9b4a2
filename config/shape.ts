/** What nested settings may look like: small readers that collect problems with the path of each. */
import { isIP } from 'node:net';
import { canonical, isMapped } from './address.js';
import { distance } from './distance.js';
import { readDuration, readSize, showSize } from './units.js';

export type Path = readonly (string | number)[];

export interface Finding {
  readonly path: Path;
  readonly message: string;
  readonly hint: string;
}

/** Gives the value, or adds to the findings and gives the fallback, so that all mistakes come out at once. */
export type Reader<T> = (value: unknown, path: Path, findings: Finding[]) => T;

const shown = (value: unknown): string => (value === undefined ? 'nothing' : JSON.stringify(value));

function refuse<T>(value: unknown, path: Path, findings: Finding[], expected: string, fallback: T): T {
  findings.push({ path, message: `given ${shown(value)}, expected ${expected}.`, hint: 'Correct it.' });
  return fallback;
}

export const text = (expected: string, fits: (text: string) => boolean): Reader<string> => (value, path, findings) =>
  typeof value === 'string' && fits(value) ? value : refuse(value, path, findings, expected, '');

export const choice = <T extends string>(choices: readonly T[]): Reader<T> => (value, path, findings) =>
  choices.find((known) => known === value) ?? refuse<T>(value, path, findings, `one of ${choices.join(', ')}`, choices[0] as T);

export const whole = (min: number, max: number): Reader<number> => (value, path, findings) =>
  typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max
    ? value : refuse(value, path, findings, `a whole number from ${min} to ${max}`, min);

export const number = (min: number, max: number): Reader<number> => (value, path, findings) =>
  typeof value === 'number' && value >= min && value <= max ? value : refuse(value, path, findings, `a number from ${min} to ${max}`, min);

export const duration = (min: number, max: number): Reader<number> => (value, path, findings) => {
  const ms = typeof value === 'string' || value === 0 ? readDuration(String(value)) : undefined;
  return ms !== undefined && ms >= min && ms <= max
    ? ms : refuse(value, path, findings, `a duration such as 500ms, 5s or 1m, from ${min}ms to ${max}ms`, min);
};

/** Bytes. */
export const size = (min: number, max: number): Reader<number> => (value, path, findings) => {
  const bytes = typeof value === 'string' || typeof value === 'number' ? readSize(String(value)) : undefined;
  return bytes !== undefined && bytes >= min && bytes <= max
    ? bytes : refuse(value, path, findings, `a size such as 256KiB, 1MiB or a number of bytes, from ${showSize(min)} to ${showSize(Math.floor(max))}`, min);
};

export const flag: Reader<boolean> = (value, path, findings) =>
  typeof value === 'boolean' ? value : refuse(value, path, findings, 'true or false', false);

export const address: Reader<string> = (value, path, findings) =>
  typeof value === 'string' && isIP(value) !== 0 && !value.includes('%') && !isMapped(value)
    ? canonical(value) : refuse(value, path, findings, 'an IP address', '');

export const list = <T>(item: Reader<T>, most: number): Reader<T[]> => (value, path, findings) => {
  if (!Array.isArray(value) || value.length > most) return refuse(value, path, findings, `a list of at most ${most}`, []);
  return value.map((one, index) => item(one, [...path, index], findings));
};

export const record = <T>(item: Reader<T>, most: number): Reader<Record<string, T>> => (value, path, findings) => {
  if (!isObject(value) || Object.keys(value).length > most) return refuse(value, path, findings, `a map of at most ${most}`, {});
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, item(one, [...path, key], findings)]));
};

export interface Field<T> {
  readonly read: Reader<T>;
  /** Taken when the key is not there; without it the key must be. */
  readonly otherwise?: T;
  readonly doc: string;
}

export type Fields<T> = { readonly [K in keyof T]-?: Field<T[K]> };

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function unknownKeys(value: object, known: readonly string[], path: Path, findings: Finding[]): void {
  for (const key of Object.keys(value)) {
    if (known.includes(key)) continue;
    const [near] = [...known].sort((a, b) => distance(key, a) - distance(key, b));
    const close = near !== undefined && distance(key, near) <= Math.max(2, key.length / 3);
    findings.push({
      path: [...path, key],
      message: 'there is no such key.',
      hint: close ? `Did you mean ${near}? Rename it or remove it.` : `Its neighbours are ${known.join(', ')}.`,
    });
  }
}

export const object = <T>(fields: Fields<T>): Reader<T> => (value, path, findings) => {
  const known = Object.entries<Field<unknown>>(fields as Record<string, Field<unknown>>);
  const needed = known.filter(([, field]) => !('otherwise' in field)).map(([key]) => key);
  const isMap = isObject(value);
  const given = isMap ? value : refuse(value, path, findings, ['a map of settings', needed.join(' and ')].filter((part) => part !== '').join(' with '), {});
  unknownKeys(given, Object.keys(fields), path, findings);
  const result: Record<string, unknown> = {};
  for (const [key, field] of known) {
    const one = (given as Record<string, unknown>)[key];
    if (one !== undefined && one !== null) result[key] = field.read(one, [...path, key], findings);
    else if ('otherwise' in field) result[key] = field.otherwise;
    else if (isMap) findings.push({ path, message: `${key} is missing.`, hint: `It is ${field.doc}.` });
  }
  return result as T;
};
