/** What `redis-benchmark --csv` prints: one line of titles, one line for each kind of request. */

export interface Measured {
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export type Kind = 'GET' | 'SET';
export type Benchmark = Readonly<Record<Kind, Measured>>;

/** Quoted cells without quotes or commas inside: redis-benchmark writes no others. */
const cellsOf = (line: string): string[] => [...line.matchAll(/"([^"]*)"/g)].map(([, cell = '']) => cell);

export function parseBenchmark(text: string): Benchmark {
  const lines = text.split('\n').map(cellsOf).filter((cells) => cells.length > 0);
  const titles = lines.find(([first]) => first === 'test') ?? [];
  const measured = (kind: Kind): Measured => {
    const line = lines.find(([first]) => first === kind) ?? [];
    const read = (title: string): number => {
      const value = Number(line[titles.indexOf(title)]);
      if (!(value > 0)) throw new Error(`redis-benchmark gave no ${title} for ${kind}: ${text.trim()}`);
      return value;
    };
    return { requestsPerSecond: read('rps'), p50Ms: read('p50_latency_ms'), p99Ms: read('p99_latency_ms') };
  };
  return { GET: measured('GET'), SET: measured('SET') };
}
