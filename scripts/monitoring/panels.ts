/** Panels and dashboards of Grafana, as data. Only what these dashboards need of its format. */
import { createHash } from 'node:crypto';

type Json = Record<string, unknown>;

export type Unit = 'Bps' | 'bytes' | 'cps' | 'mps' | 'ops' | 'percentunit' | 's' | 'short' | 'none';

export interface Query {
  readonly expr: string;
  /** Name of each series, such as `{{instance}}`. */
  readonly legend?: string;
}

export interface Panel {
  readonly title: string;
  readonly description: string;
  readonly unit: Unit;
  readonly queries: readonly Query[];
  readonly kind?: 'timeseries' | 'stat' | 'table' | 'bargauge';
  /** Of 24 columns. */
  readonly width?: number;
  readonly height?: number;
  readonly stacked?: boolean;
  /** Of a table: columns to show, in this order, under these names. */
  readonly columns?: Readonly<Record<string, string>>;
  /** Of a table: the column whose largest value comes first. */
  readonly largest?: string;
  /** Values from which a stat is yellow or red. */
  readonly thresholds?: readonly [number, number];
}

export interface Row {
  readonly title: string;
  readonly panels: readonly Panel[];
}

export interface Dashboard {
  /** Name of the file, and what the stable uid is made of. */
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly rows: readonly Row[];
}

const datasource = { type: 'prometheus', uid: '$datasource' };

export const uidOf = (name: string): string => createHash('sha256').update(`sidestep/${name}`).digest('hex').slice(0, 16);

const thresholds = (steps: readonly [number, number] | undefined): Json => ({
  mode: 'absolute',
  steps: [{ color: steps ? 'green' : 'text', value: null }, ...(steps ? [{ color: 'yellow', value: steps[0] }, { color: 'red', value: steps[1] }] : [])],
});

function options({ kind = 'timeseries', largest }: Panel): Json {
  const reduceOptions = { calcs: ['lastNotNull'], fields: '', values: false };
  if (kind === 'stat') return { colorMode: 'value', graphMode: 'area', justifyMode: 'auto', orientation: 'auto', textMode: 'auto', reduceOptions };
  if (kind === 'bargauge') return { displayMode: 'gradient', orientation: 'horizontal', showUnfilled: true, reduceOptions };
  if (kind === 'table') return { showHeader: true, cellHeight: 'sm', footer: { show: false, reducer: ['sum'], fields: '' }, ...(largest !== undefined && { sortBy: [{ displayName: largest, desc: true }] }) };
  return { legend: { displayMode: 'table', placement: 'bottom', showLegend: true, calcs: ['lastNotNull', 'max'], sortBy: 'Max', sortDesc: true }, tooltip: { mode: 'multi', sort: 'desc' } };
}

const custom = ({ stacked = false }: Panel): Json => ({
  drawStyle: 'line', lineWidth: 1, fillOpacity: stacked ? 40 : 10, showPoints: 'never', spanNulls: false,
  stacking: { mode: stacked ? 'normal' : 'none', group: 'A' },
});

function transformations({ columns }: Panel): Json[] {
  if (!columns) return [];
  const names = Object.keys(columns);
  return [
    { id: 'merge', options: {} },
    { id: 'filterFieldsByName', options: { include: { names } } },
    { id: 'organize', options: { renameByName: columns, indexByName: Object.fromEntries(names.map((name, index) => [name, index])) } },
  ];
}

function target({ expr, legend }: Query, index: number, kind: Panel['kind']): Json {
  const isTable = kind === 'table';
  return {
    datasource, expr, refId: String.fromCharCode(65 + index), legendFormat: legend ?? '', editorMode: 'code',
    range: !isTable, instant: isTable, ...(isTable && { format: 'table' }),
  };
}

function panelJson(panel: Panel, id: number, gridPos: Json): Json {
  const { title, description, unit, kind = 'timeseries', queries } = panel;
  return {
    id, title, description, type: kind, datasource, gridPos,
    fieldConfig: { defaults: { unit, min: 0, thresholds: thresholds(panel.thresholds), color: { mode: panel.thresholds ? 'thresholds' : 'palette-classic' }, ...(kind === 'timeseries' && { custom: custom(panel) }) }, overrides: [] },
    options: options(panel),
    targets: queries.map((query, index) => target(query, index, kind)),
    ...(panel.columns && { transformations: transformations(panel) }),
  };
}

function layOut(rows: readonly Row[]): Json[] {
  const placed: Json[] = [];
  let y = 0;
  for (const { title, panels } of rows) {
    placed.push({ id: placed.length + 1, type: 'row', title, collapsed: false, panels: [], gridPos: { h: 1, w: 24, x: 0, y } });
    y++;
    let x = 0, deepest = 0;
    for (const panel of panels) {
      const { width: w = 12, height: h = panel.kind === 'stat' ? 4 : 8 } = panel;
      if (x + w > 24) { y += deepest; x = 0; deepest = 0; }
      placed.push(panelJson(panel, placed.length + 1, { h, w, x, y }));
      x += w;
      deepest = Math.max(deepest, h);
    }
    y += deepest;
  }
  return placed;
}

const variable = (name: string, label: string, query: string): Json => ({
  name, label, type: 'query', datasource, query: { query, refId: name }, definition: query,
  includeAll: true, allValue: '.+', multi: true, current: { selected: true, text: ['All'], value: ['$__all'] }, refresh: 2, sort: 1,
});

export function dashboardJson({ name, title, description, rows }: Dashboard): string {
  return `${JSON.stringify({
    uid: uidOf(name), title, description, tags: ['sidestep'], schemaVersion: 39, version: 1, editable: false, graphTooltip: 1,
    time: { from: 'now-1h', to: 'now' }, refresh: '30s', timezone: 'browser',
    templating: { list: [
      { name: 'datasource', label: 'Data source', type: 'datasource', query: 'prometheus', current: {}, refresh: 1 },
      variable('job', 'Job', 'label_values(sidestep_build_info, job)'),
      variable('instance', 'Node', 'label_values(sidestep_build_info{job=~"$job"}, instance)'),
    ] },
    links: [{ title: 'Sidestep', type: 'dashboards', tags: ['sidestep'], asDropdown: true, includeVars: true, keepTime: true }],
    annotations: { list: [] },
    panels: layOut(rows),
  }, null, 2)}\n`;
}
