/** Keys and values that follow from a seed, so that whoever reads them back need not have written them. */
import { createHash } from 'node:crypto';

const largest = 128 * 1024;

export interface Entry {
  readonly key: string;
  readonly value: Buffer;
}

/** Sizes from one byte up, as many small as large: each power of two is as likely as any other. */
export function entryOf(seed: string, index: number): Entry {
  const random = createHash('sha256').update(`${seed} ${index}`).digest();
  const size = Math.min(largest, Math.ceil(largest ** (random.readUInt32LE(0) / 2 ** 32)));
  const value = createHash('shake256', { outputLength: size }).update(random).digest();
  return { key: `sidestep-demo:${index}:${random.toString('hex', 4, 12)}`, value };
}

export const digestOf = (value: Buffer): string => createHash('sha256').update(value).digest('hex');
