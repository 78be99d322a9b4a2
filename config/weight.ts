/** A selector and what listeners that match it weigh: `program:nginx = 3`. */
import { parseSelector, type Selector } from './selector.js';

export interface Weight {
  readonly selector: Selector;
  readonly weight: number;
}

/** The weight, or what is wrong with the text in words. */
export function parseWeight(text: string): Weight | string {
  const [, written, number = ''] = /^(.*\S)\s*=\s*(\d+)$/s.exec(text) ?? [];
  if (written === undefined) return 'it does not end with = and a whole number';
  const weight = Number(number);
  if (weight < 1 || weight > 1000) return `a weight is from 1 to 1000, not ${number}`;
  const selector = parseSelector(written);
  return typeof selector === 'string' ? selector : { selector, weight };
}
