/** Figures of many rounds in one. */

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const upper = sorted[Math.floor(middle)];
  const lower = sorted[Math.ceil(middle) - 1];
  if (upper === undefined || lower === undefined) throw new Error('there is no median of nothing');
  return (upper + lower) / 2;
}

export const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

export type Path = 'plain' | 'accelerated';

/** Plain and accelerated mirror each other, so that a drift of the host touches both alike. */
export const block = ['plain', 'accelerated', 'accelerated', 'plain'] as const satisfies readonly Path[];

export interface Sample {
  readonly block: number;
  readonly path: Path;
}

export interface Comparison {
  /** Medians over the rounds. */
  readonly plain: number;
  readonly accelerated: number;
  /** Accelerated to plain: the median of the blocks' ratios, and the outermost of them. */
  readonly ratio: number;
  readonly lowest: number;
  readonly highest: number;
}

export function compare<T extends Sample>(samples: readonly T[], figure: (sample: T) => number): Comparison {
  const of = (path: Path, among = samples): number[] => among.filter((sample) => sample.path === path).map(figure);
  const blocks = [...new Set(samples.map((sample) => sample.block))];
  const ratios = blocks.map((number) => {
    const rounds = samples.filter((sample) => sample.block === number);
    return mean(of('accelerated', rounds)) / mean(of('plain', rounds));
  });
  return {
    plain: median(of('plain')),
    accelerated: median(of('accelerated')),
    ratio: median(ratios),
    lowest: Math.min(...ratios),
    highest: Math.max(...ratios),
  };
}
