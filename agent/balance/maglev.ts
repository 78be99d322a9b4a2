/**
 * The Maglev table: each endpoint fills places in the order of its own permutation, in turns by weight. Hosts that know
 * the same endpoints make the same table, and an endpoint that goes takes few places of others with it. Pure.
 */
import type { Weighted } from './weights.js';

/** Primes at which a table is about a hundred times as large as what is in it. */
const sizes = [251, 509, 1021, 2039, 4093, 8191, 16_381, 32_749, 65_521, 131_071];

export const sizeFor = (endpoints: number): number => sizes.find((size) => size >= endpoints * 100) ?? 131_071;

/** FNV-1a with a final mix, so that near names lie far apart. */
function hash(text: string, seed: number): number {
  let value = (0x811c_9dc5 ^ seed) >>> 0;
  for (let index = 0; index < text.length; index++) value = Math.imul(value ^ text.charCodeAt(index), 0x0100_0193) >>> 0;
  value = Math.imul(value ^ (value >>> 16), 0x85eb_ca6b) >>> 0;
  value = Math.imul(value ^ (value >>> 13), 0xc2b2_ae35) >>> 0;
  return (value ^ (value >>> 16)) >>> 0;
}

export function maglevTable(weighted: readonly Weighted[], size: number): Uint32Array {
  const table = new Uint32Array(size);
  if (weighted.length === 0) return table;
  const heaviest = weighted.reduce((most, { weight }) => Math.max(most, weight), 0);
  const fillers = [...weighted]
    .sort((a, b) => (a.candidate.identity < b.candidate.identity ? -1 : 1))
    .map(({ candidate: { number, identity }, weight }) => ({
      number, share: weight / heaviest, due: 0, at: hash(identity, 0) % size, skip: (hash(identity, 1) % (size - 1)) + 1,
    }));
  for (let filled = 0; filled < size;) {
    for (const filler of fillers) {
      filler.due += filler.share;
      if (filler.due < 1) continue;
      filler.due -= 1;
      while (table[filler.at] !== 0) filler.at = (filler.at + filler.skip) % size;
      table[filler.at] = filler.number;
      if (++filled === size) break;
    }
  }
  return table;
}
