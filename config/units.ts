/** Sizes and durations as people write them, exact in both directions. */
const sizes = { GiB: 2 ** 30, MiB: 2 ** 20, KiB: 2 ** 10 } as const;
const durations = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 } as const;

function read(text: string, units: Readonly<Record<string, number>>): number | undefined {
  const match = /^(\d{1,15})([A-Za-z]*)$/.exec(text);
  const factor = Object.entries(units).find(([unit]) => unit === match?.[2])?.[1];
  if (!match || factor === undefined) return undefined;
  const value = Number(match[1]) * factor;
  return Number.isSafeInteger(value) ? value : undefined;
}

function show(value: number, units: Readonly<Record<string, number>>, smallest: string): string {
  const unit = Object.entries(units).find(([, factor]) => value > 0 && value % factor === 0);
  return unit ? `${String(value / unit[1])}${unit[0]}` : `${String(value)}${smallest}`;
}

/** `256KiB`, `1MiB`, or plain bytes. Decimal units are refused: kB and KiB are too easily taken for each other. */
export const readSize = (text: string): number | undefined => read(text, { ...sizes, '': 1 });
export const showSize = (bytes: number): string => show(bytes, sizes, '');

/** `500ms`, `5s`, `1m`. A bare number is refused, except 0: nobody can tell whether it means seconds. */
export const readDuration = (text: string): number | undefined => (text === '0' ? 0 : read(text, durations));
export const showDuration = (ms: number): string => show(ms, durations, 's');
