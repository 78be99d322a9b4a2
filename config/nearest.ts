/** The known name that a misspelt one probably meant. */
import { keys, sections } from './keys.js';

/** Levenshtein distance: the fewest single-character edits between two words. */
export function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const swap = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(swap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

const tail = (name: string): string => name.slice(name.lastIndexOf('.') + 1);
const edits = (a: string, b: string): number => distance(a.toLowerCase(), b.toLowerCase());
/** A key that is spelt well and sits in the wrong section is as far as two slips of the finger. */
const moved = (a: string, b: string): number => edits(tail(a), tail(b)) + 2;

function closest(name: string, known: readonly string[]): string | undefined {
  const limit = Math.max(2, Math.floor(name.length / 3));
  return known
    .map((candidate) => ({ candidate, far: edits(name, candidate), moved: moved(name, candidate) }))
    .filter((entry) => Math.min(entry.far, entry.moved) <= limit)
    .sort((a, b) => Math.min(a.far, a.moved) - Math.min(b.far, b.moved) || a.far - b.far)[0]?.candidate;
}

const names = [...keys.map((key) => key.name), ...sections];
const variables = keys.map((key) => key.env);

export const nearestKey = (name: string): string | undefined => closest(name, names);
export const nearestEnv = (name: string): string | undefined => closest(name, variables);
