/** The known name that a misspelt one probably meant. */
import { distance } from './distance.js';
import { keys, sections } from './keys.js';

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
