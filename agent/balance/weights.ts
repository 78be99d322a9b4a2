/** What each endpoint's share is. Pure. */

export interface Candidate {
  /** As the kernel knows it. */
  readonly number: number;
  /** The same on every host, whatever the number: for consistent tables. */
  readonly identity: string;
  readonly weight: number;
  readonly version: string;
  readonly sameHost: boolean;
  readonly sameZone: boolean;
}

export interface Weighted {
  readonly candidate: Candidate;
  /** Positive. */
  readonly weight: number;
}

/** The largest share, as a whole number: fine enough for a split of 1 in 10,000. */
const scale = 65_536;

/**
 * Weights as the configuration gives them, or, with a split, the share of each version spread over its endpoints. A
 * version without endpoints leaves its share to the others.
 */
export function weigh(candidates: readonly Candidate[], split: Readonly<Record<string, number>>): Weighted[] {
  if (Object.keys(split).length === 0)
    return candidates.filter(({ weight }) => weight > 0).map((candidate) => ({ candidate, weight: candidate.weight }));
  const sums = new Map<string, number>();
  for (const { version, weight } of candidates) sums.set(version, (sums.get(version) ?? 0) + weight);
  const shares = candidates.map((candidate) => {
    const sum = sums.get(candidate.version) ?? 0;
    const share = Object.hasOwn(split, candidate.version) ? (split[candidate.version] ?? 0) : 0;
    return { candidate, weight: sum === 0 ? 0 : (share * candidate.weight) / sum };
  }).filter(({ weight }) => weight > 0);
  const most = shares.reduce((max, { weight }) => Math.max(max, weight), 0);
  return shares.map(({ candidate, weight }) => ({ candidate, weight: Math.max(1, Math.round((weight / most) * scale)) }));
}

/** Words of one slot: endpoint, alias, and the highest random number that still means the endpoint. */
export type Slots = number[];

const always = 0xffff_ffff;

/** Each endpoint once: for the policies that look at every one, or take turns. */
export const plainSlots = (weighted: readonly Weighted[]): Slots =>
  weighted.flatMap(({ candidate: { number } }) => [number, number, always]);

/** Vose's alias method: any weights, exactly, with two random numbers and one look. */
export function aliasSlots(weighted: readonly Weighted[]): Slots {
  const count = weighted.length;
  const sum = weighted.reduce((total, { weight }) => total + weight, 0);
  const share = weighted.map(({ weight }) => (weight * count) / sum);
  const alias = weighted.map((_, index) => index);
  const small = share.flatMap((value, index) => (value < 1 ? [index] : []));
  const large = share.flatMap((value, index) => (value < 1 ? [] : [index]));
  const keep = share.map(() => 1);
  while (small.length > 0 && large.length > 0) {
    const less = small.pop() ?? 0, more = large.pop() ?? 0;
    keep[less] = share[less] ?? 1;
    alias[less] = more;
    share[more] = (share[more] ?? 0) - (1 - (share[less] ?? 0));
    ((share[more] ?? 0) < 1 ? small : large).push(more);
  }
  const numberAt = (index: number): number => weighted[index]?.candidate.number ?? 0;
  return weighted.flatMap((_, index) => {
    const part = keep[index] ?? 1;
    return [numberAt(index), numberAt(alias[index] ?? index), part >= 1 ? always : Math.max(0, Math.floor(part * 2 ** 32) - 1)];
  });
}

const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));

/** Slots of one round of round robin, at most: heavier weights are rounded. */
const longestRound = 4096;

/** Endpoints of one weight start at different places of the round, as far apart as any number of them can. */
const golden = 0.618033988749895;

/** Weighted round robin, laid out so that the turns of an endpoint lie as far apart as they can. */
export function turnSlots(weighted: readonly Weighted[]): Slots {
  const divisor = weighted.reduce((common, { weight }) => gcd(common, weight), 0);
  const sum = weighted.reduce((total, { weight }) => total + weight, 0);
  const shrink = Math.max(1, sum / divisor / longestRound) * divisor;
  const turns = weighted.flatMap(({ candidate: { number }, weight }, index) => {
    const count = Math.max(1, Math.round(weight / shrink));
    const offset = (index * golden) % 1;
    return Array.from({ length: count }, (_, turn) => ({ number, at: (turn + offset) / count, index }));
  });
  turns.sort((a, b) => a.at - b.at || a.index - b.index);
  return turns.flatMap(({ number }) => [number, number, always]);
}
