// SPDX-License-Identifier: Apache-2.0
/** Numbers as Grafana writes them, for the units that the dashboards use. Pure. */

/** Three digits that count, as Grafana has it when a panel names no number of decimals. */
function digits(value: number): string {
  if (value === 0) return '0';
  const size = Math.floor(Math.log10(Math.abs(value)));
  return String(Number(value.toFixed(Math.min(10, Math.max(0, 2 - size)))));
}

function scaled(value: number, step: number, signs: readonly string[], tail: string): string {
  let index = 0;
  for (; Math.abs(value) >= step && index < signs.length - 1; index++) value /= step;
  return `${digits(value)} ${signs[index]!}${tail}`.trimEnd();
}

function seconds(value: number): string {
  const size = Math.abs(value);
  if (size !== 0 && size < 1e-6) return `${digits(value * 1e9)} ns`;
  if (size !== 0 && size < 1e-3) return `${digits(value * 1e6)} µs`;
  if (size !== 0 && size < 1) return `${digits(value * 1e3)} ms`;
  if (size < 60) return `${digits(value)} s`;
  return size < 3600 ? `${digits(value / 60)} mins` : `${digits(value / 3600)} hours`;
}

const thousands = ['', 'k', 'M', 'G', 'T'];
const units: Readonly<Record<string, (value: number) => string>> = {
  Bps: (value) => scaled(value, 1000, thousands, 'B/s'),
  bytes: (value) => scaled(value, 1024, ['', 'Ki', 'Mi', 'Gi', 'Ti'], 'B'),
  cps: (value) => scaled(value, 1000, ['', 'K', 'M'], 'c/s'),
  mps: (value) => scaled(value, 1000, ['', 'K', 'M'], 'msg/s'),
  ops: (value) => scaled(value, 1000, ['', 'K', 'M'], 'ops/s'),
  percentunit: (value) => `${digits(value * 100)}%`,
  s: seconds,
  short: (value) => scaled(value, 1000, ['', 'K', 'Mil', 'Bil'], ''),
  none: digits,
};

export function written(value: number, unit: string): string {
  const write = units[unit];
  if (!write) throw new Error(`no unit ${unit} in test/monitoring/preview/units.ts`);
  return Number.isFinite(value) ? write(value) : '';
}
