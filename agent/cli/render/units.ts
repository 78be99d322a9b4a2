/** Numbers as people read them, at most six characters wide, so that columns do not jump. */

function scale(value: number, base: number, units: readonly string[]): string {
  let step = 0;
  let scaled = value;
  // 999.5 would round to 1000 and be a digit too wide.
  while (scaled >= 999.5 && step < units.length - 1) {
    scaled /= base;
    step++;
  }
  const text = step === 0 || scaled >= 99.95 ? String(Math.round(scaled)) : scaled.toFixed(1);
  return text + (units[step] ?? '');
}

export const count = (value: number): string => scale(value, 1000, ['', 'k', 'M', 'G', 'T']);
export const bytes = (value: number): string => scale(value, 1024, ['B', 'KiB', 'MiB', 'GiB', 'TiB']);
export const percent = (share: number | undefined): string =>
  // 99.6 % is not "all": only a share of one reads 100.
  share === undefined ? '-' : `${String(share < 1 ? Math.min(99, Math.round(share * 100)) : 100)}%`;

export function age(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  if (seconds < 60) return `${String(seconds)}s`;
  if (seconds < 3600) return `${String(Math.floor(seconds / 60))}m${String(seconds % 60).padStart(2, '0')}s`;
  const hours = Math.floor(seconds / 3600);
  if (hours < 48) return `${String(hours)}h${String(Math.floor((seconds % 3600) / 60)).padStart(2, '0')}m`;
  return `${String(Math.floor(hours / 24))}d`;
}
