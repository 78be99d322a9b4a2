// SPDX-License-Identifier: Apache-2.0
/** A dashboard of Grafana, and the answers to its queries, as a page of its own: no script, nothing from elsewhere. Pure. */
import { written } from './units.js';

export interface Series {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Seconds and values, rising. An instant query has one. */
  readonly points: readonly (readonly [number, number])[];
}

export interface PanelJson {
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly fieldConfig?: { readonly defaults: { readonly unit: string; readonly thresholds: { readonly steps: readonly { color: string; value: number | null }[] }; readonly custom?: { readonly stacking: { mode: string }; readonly fillOpacity: number } } };
  readonly options?: { readonly legend?: { readonly sortBy?: string; readonly sortDesc?: boolean }; readonly sortBy?: readonly { readonly displayName: string; readonly desc: boolean }[] };
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string; readonly refId: string; readonly instant: boolean }[];
  readonly transformations?: readonly { readonly id: string; readonly options: { readonly renameByName?: Readonly<Record<string, string>> } }[];
}

export interface Drawn {
  readonly panel: PanelJson;
  /** Of each target, by its place. */
  readonly answers: readonly (readonly Series[])[];
}

const PALETTE = ['#73bf69', '#f2cc0c', '#5794f2', '#ff9830', '#f2495c', '#b877d9', '#70dbed', '#ffb357', '#8ab8ff', '#c0d8ff', '#96d98d', '#ffee52'];
const NAMED: Readonly<Record<string, string>> = { text: '#d8d9da', green: '#73bf69', yellow: '#f2cc0c', red: '#f2495c' };
/** Of a column of 24, of a unit of height, and between panels, in pixels. */
const COLUMN = 58, UNIT = 38, GAP = 8;
const WIDTH = 24 * COLUMN;

const escaped = (text: string): string => text.replace(/[&<>"]/g, (sign) => `&#${String(sign.charCodeAt(0))};`);
const colour = (index: number): string => PALETTE[index % PALETTE.length]!;
const last = ({ points }: Series): number => points.at(-1)?.[1] ?? NaN;
const most = ({ points }: Series): number => Math.max(...points.map(([, value]) => value));
const unitOf = ({ fieldConfig }: PanelJson): string => fieldConfig?.defaults.unit ?? 'none';

function coloured({ fieldConfig }: PanelJson, value: number): string {
  const steps = fieldConfig?.defaults.thresholds.steps ?? [];
  return NAMED[steps.filter((step) => step.value === null || value >= step.value).at(-1)?.color ?? 'text']!;
}

interface Frame { readonly from: number; readonly to: number; readonly top: number; readonly width: number; readonly height: number }

/** Lines of one series; a hole in its points is a hole in the line. */
function lines(points: readonly (readonly [number, number, number])[], step: number, { from, to, top, width, height }: Frame, fill: string, opacity: number): string {
  const x = (at: number): string => (((at - from) / (to - from)) * width).toFixed(1);
  const y = (value: number): string => (height - (value / top) * height).toFixed(1);
  const runs: (readonly [number, number, number])[][] = [];
  for (const point of points) {
    const before = runs.at(-1)?.at(-1);
    if (before && point[0] - before[0] < step * 1.5) runs.at(-1)!.push(point);
    else runs.push([point]);
  }
  return runs.map((run) => {
    const upper = run.map(([at, , value]) => `${x(at)},${y(value)}`), lower = run.map(([at, base]) => `${x(at)},${y(base)}`).reverse();
    return `<polygon points="${[...upper, ...lower].join(' ')}" fill="${fill}" opacity="${String(opacity / 100)}"/><polyline points="${upper.join(' ')}" fill="none" stroke="${fill}" stroke-width="1.5"/>`;
  }).join('');
}

/** Each series on the sum of those before it, or all from zero. */
function layers(series: readonly Series[], isStacked: boolean): (readonly [number, number, number])[][] {
  const sums = new Map<number, number>();
  return series.map(({ points }) => points.map(([at, value]) => {
    const base = isStacked ? (sums.get(at) ?? 0) : 0;
    sums.set(at, base + value);
    return [at, base, base + value] as const;
  }));
}

const round = (value: number): number => {
  const size = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 2.5, 5, 10].map((step) => step * size).find((step) => step >= value) ?? value;
};

function timeseries(panel: PanelJson, series: readonly Series[], range: Range): string {
  const { w, h } = panel.gridPos, unit = unitOf(panel), custom = panel.fieldConfig?.defaults.custom;
  const width = w * COLUMN - GAP - 24, rows = Math.min(series.length, Math.max(2, Math.floor((h * UNIT - 200) / 18)));
  const height = h * UNIT - GAP - 70 - 18 * (rows + 1);
  const stacked = layers(series, custom?.stacking.mode === 'normal');
  const highest = Math.max(...stacked.flat().map(([, , value]) => value));
  const top = highest > 0 ? round(highest) : 1;
  const frame: Frame = { ...range, top, width: width - 90, height };
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((part) => `<line x1="0" x2="${String(frame.width)}" y1="${String(height * (1 - part))}" y2="${String(height * (1 - part))}" class="grid"/>`
    + `<text x="-8" y="${String(height * (1 - part) + 4)}" text-anchor="end">${escaped(written(top * part, unit))}</text>`).join('');
  const times = [0, 0.25, 0.5, 0.75, 1].map((part) => `<text x="${String(frame.width * part)}" y="${String(height + 16)}" text-anchor="${part === 1 ? 'end' : 'middle'}">${new Date((range.from + (range.to - range.from) * part) * 1000).toISOString().slice(11, 19)}</text>`).join('');
  const drawn = stacked.map((points, index) => lines(points, range.step, frame, colour(index), custom?.fillOpacity ?? 10)).join('');
  const shown = series.map((one, index) => ({ one, index })), { sortBy, sortDesc = false } = panel.options?.legend ?? {};
  if (sortBy === 'Max') shown.sort((a, b) => (sortDesc ? most(b.one) - most(a.one) : most(a.one) - most(b.one)));
  else if (sortBy !== undefined) throw new Error(`no legend by ${sortBy} in test/monitoring/preview/draw.ts`);
  const legend = shown.slice(0, rows).map(({ one, index }) => `<tr><td><i style="background:${colour(index)}"></i>${escaped(one.name)}</td><td>${escaped(written(last(one), unit))}</td><td>${escaped(written(most(one), unit))}</td></tr>`).join('');
  const more = series.length > rows ? `<tr><td>${String(series.length - rows)} more (scroll)</td></tr>` : '';
  return `<svg width="${String(width)}" height="${String(height + 24)}"><g transform="translate(80 6)">${ticks}${times}${drawn}</g></svg>`
    + `<table class="legend"><tr><th>Name</th><th>Last *</th><th>Max</th></tr>${legend}${more}</table>`;
}

function stat(panel: PanelJson, series: readonly Series[], range: Range): string {
  const { w, h } = panel.gridPos, each = (w * COLUMN - GAP) / series.length, height = h * UNIT - GAP - 34;
  return `<div class="stats">${series.map((one) => {
    const value = last(one), ink = coloured(panel, value), top = Math.max(most(one), 1e-12);
    const spark = lines(one.points.map(([at, up]) => [at, 0, up] as const), range.step, { ...range, top, width: each, height: height / 2.5 }, ink, 20);
    return `<div style="width:${String(each)}px;height:${String(height)}px"><b style="color:${ink}">${escaped(written(value, unitOf(panel)))}</b><svg class="spark" width="${String(each)}" height="${String(height / 2.5)}">${spark}</svg></div>`;
  }).join('')}</div>`;
}

function bars(panel: PanelJson, series: readonly Series[]): string {
  const top = Math.max(...series.map(last), 1e-12);
  return `<div class="bars">${series.map((one) => `<div><span>${escaped(one.name)}</span><div class="bar"><i style="width:${String((100 * last(one)) / top)}%"></i></div><b>${escaped(written(last(one), unitOf(panel)))}</b></div>`).join('')}</div>`;
}

/** Rows of all targets that agree in all labels are one row; columns are those that the dashboard keeps, under its names. */
function table(panel: PanelJson, answers: readonly (readonly Series[])[]): string {
  const names = panel.transformations?.find(({ id }) => id === 'organize')?.options.renameByName ?? {};
  const merged = new Map<string, Record<string, string>>(), sizes = new Map<Record<string, string>, number>();
  const by = Object.keys(names).find((name) => names[name] === panel.options?.sortBy?.[0]?.displayName);
  answers.forEach((series, index) => {
    const column = answers.length > 1 ? `Value #${panel.targets![index]!.refId}` : 'Value';
    for (const one of series) {
      const key = JSON.stringify(Object.entries(one.labels).sort(([a], [b]) => a.localeCompare(b)));
      const row = merged.get(key) ?? { ...one.labels };
      row[column] = written(last(one), unitOf(panel));
      merged.set(key, row);
      if (column === by) sizes.set(row, last(one));
    }
  });
  const room = Math.floor((panel.gridPos.h * UNIT - 80) / 26), rows = [...merged.values()].sort((a, b) => (sizes.get(b) ?? 0) - (sizes.get(a) ?? 0));
  const cells = rows.slice(0, room).map((row) => `<tr>${Object.keys(names).map((name) => `<td>${escaped(row[name] ?? '')}</td>`).join('')}</tr>`).join('');
  const more = rows.length > room ? `<tr><td>${String(rows.length - room)} more (scroll)</td></tr>` : '';
  return `<table class="rows"><tr>${Object.values(names).map((name) => `<th>${escaped(name)}</th>`).join('')}</tr>${cells}${more}</table>`;
}

function body({ panel, answers }: Drawn, range: Range): string {
  const series = answers.flat();
  if (series.length === 0) return '<p class="none">No data</p>';
  if (panel.type === 'timeseries') return timeseries(panel, series, range);
  if (panel.type === 'stat') return stat(panel, series, range);
  if (panel.type === 'bargauge') return bars(panel, series);
  if (panel.type === 'table') return table(panel, answers);
  throw new Error(`no panel ${panel.type} in test/monitoring/preview/draw.ts`);
}

export interface Range {
  /** Seconds. */
  readonly from: number;
  readonly to: number;
  readonly step: number;
}

const STYLE = `*{box-sizing:border-box}body{margin:0;background:#111217;color:#ccccdc;font:13px system-ui,sans-serif;width:${String(WIDTH + 2 * GAP)}px}
h1{font-size:18px;font-weight:500;margin:12px 16px}main{position:relative;margin:0 ${String(GAP)}px}section{position:absolute;background:#181b1f;border:1px solid #24272e;border-radius:3px;overflow:hidden;padding:6px 8px}
h2{font-size:14px;font-weight:500;margin:0 0 6px}h3{position:absolute;font-size:15px;font-weight:500;margin:6px 4px}svg text{font-size:11px;fill:#9fa7b3}.grid{stroke:#2c3235}
table{width:100%;border-collapse:collapse;font-size:12px}th,td{text-align:left;padding:1px 8px;white-space:nowrap}th{color:#6e9fff;font-weight:500}.legend td+td,.legend th+th{text-align:right;width:90px}
.rows td,.rows th{padding:4px 8px;border-bottom:1px solid #24272e}i{display:inline-block;width:12px;height:4px;margin-right:6px;vertical-align:middle;border-radius:2px}
.none{text-align:center;color:#9fa7b3;margin-top:24px}.stats{display:flex}.stats>div{position:relative}.stats b{display:block;text-align:center;font-size:30px;font-weight:500}.spark{position:absolute;bottom:0;left:0}
.bars>div{display:flex;align-items:center;gap:8px;margin:3px 0}.bars span{width:80px;text-align:right}.bar{flex:1;background:#22252b;height:16px}.bar i{display:block;height:16px;background:#5794f2;border-radius:0}.bars b{width:60px;font-weight:500}`;

/** The whole page, and its height in pixels. */
export function page(title: string, drawn: readonly Drawn[], range: Range): { html: string; height: number } {
  const boxes = drawn.map((one) => {
    const { type, title: name, gridPos: { x, y, w, h } } = one.panel;
    const place = `left:${String(x * COLUMN)}px;top:${String(y * UNIT)}px`;
    if (type === 'row') return `<h3 style="${place}">${escaped(name)}</h3>`;
    return `<section style="${place};width:${String(w * COLUMN - GAP)}px;height:${String(h * UNIT - GAP)}px"><h2>${escaped(name)}</h2>${body(one, range)}</section>`;
  });
  const height = Math.max(...drawn.map(({ panel: { gridPos: { y, h } } }) => (y + h) * UNIT)) + 60;
  return { html: `<!doctype html><meta charset="utf-8"><title>${escaped(title)}</title><style>${STYLE}</style><h1>${escaped(title)}</h1><main>${boxes.join('')}</main>`, height };
}
