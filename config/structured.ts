/** Lists of maps as values among others: as JSON from the environment or a flag, as YAML from the file. */
import type { Format } from './formats.js';
import { readFrontDoors } from './frontdoor.js';
import type { Finding } from './shape.js';
import { readServices } from './services.js';
import { readTuning } from './tuning.js';
import type { Structured } from './types.js';

type Read = (given: unknown) => { value: Structured; findings: Finding[] };

/** By the name of the format, which is that of the key. */
const readers = new Map<string, Read>([
  ['services', (given) => { const { services, findings } = readServices(given); return { value: services, findings }; }],
  ['tuning', readTuning],
  ['frontdoors', readFrontDoors],
]);

/** As it was written, to show it and to see whether it changed. */
const written = new WeakMap<Structured, string>();

/** Undefined: the format is no list of maps. */
export function readStructured(format: string, given: unknown): ReturnType<Read> | undefined {
  const read = readers.get(format)?.(given);
  if (read?.findings.length === 0) written.set(read.value, JSON.stringify(given));
  return read;
}

export const isStructured = (format: string): boolean => readers.has(format);

function parse(format: string, text: string): Structured | undefined {
  try {
    const read = readStructured(format, JSON.parse(text) as unknown);
    return read?.findings.length === 0 ? read.value : undefined;
  } catch {
    return undefined;
  }
}

export const structuredFormat = (name: string, of: string): Format => ({
  read: (text) => parse(name, text),
  show: (value) => written.get(value as Structured) ?? '[]',
  expected: () => `a list of ${of}; in the environment and in flags, as JSON`,
});
