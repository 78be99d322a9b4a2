// SPDX-License-Identifier: Apache-2.0
/** The drawing of the dashboards: every panel that they have can be drawn, and says what it was given. */
import assert from 'node:assert/strict';
import { DASHBOARDS } from '../../../scripts/monitoring/dashboards.js';
import { dashboardJson } from '../../../scripts/monitoring/panels.js';
import { page, type Drawn, type PanelJson, type Series } from '../../monitoring/preview/draw.js';
import { written } from '../../monitoring/preview/units.js';

const range = { from: 0, to: 60, step: 1 };
const series = (name: string, value: number, labels: Record<string, string> = {}): Series => ({ name, labels, points: [[30, value / 2], [31, value], [60, value]] });
const panelsOf = (name: string): PanelJson[] => (JSON.parse(dashboardJson(DASHBOARDS.find((one) => one.name === name)!)) as { panels: PanelJson[] }).panels;

function drawn(name: string, title: string, answers: Series[][]): string {
  const panel = panelsOf(name).find((one) => one.title === title)!;
  return page(name, [{ panel, answers }], range).html;
}

describe('the dashboards, drawn', () => {
  it('numbers are written as Grafana writes them', () => {
    const cases: readonly (readonly [number, string, string])[] = [
      [1_234_567, 'Bps', '1.23 MB/s'], [1536, 'bytes', '1.5 KiB'], [0.608, 'percentunit', '60.8%'], [0.000_012_3, 's', '12.3 µs'], [90, 's', '1.5 mins'],
      [0, 'cps', '0 c/s'], [60_800, 'mps', '60.8 Kmsg/s'], [7, 'short', '7'], [NaN, 'Bps', ''],
    ];
    for (const [value, unit, text] of cases) assert.equal(written(value, unit), text);
    assert.throws(() => written(1, 'furlongs'), /no unit furlongs/);
  });

  for (const { name } of DASHBOARDS)
    it(`${name}: each panel has a drawing, with and without data`, () => {
      const full = (panel: PanelJson): Drawn => ({ panel, answers: (panel.targets ?? []).map(() => [series('one', 5, { client: 'one' }), series('two', 50, { client: 'two' })]) });
      const { html } = page(name, panelsOf(name).map(full), range);
      assert.doesNotMatch(html, /NaN|undefined|No data/);
      const panels = panelsOf(name).filter(({ type }) => type !== 'row');
      const bare = page(name, panels.map((panel) => ({ panel, answers: [] })), range).html;
      assert.equal([...bare.matchAll(/No data/g)].length, panels.length);
    });

  it('a legend and a table begin with what is largest', () => {
    const legend = drawn('reasons', 'Messages by reason', [[series('few', 5), series('many', 50)]]);
    assert.ok(legend.indexOf('many') < legend.indexOf('few'));
    const edge = (client: string): Record<string, string> => ({ client, server: 's', port: '1' });
    const table = drawn('overview', 'Services by traffic', [[series('', 5, edge('few')), series('', 50, edge('many'))], [series('', 4, edge('few'))]]);
    assert.match(table, /<tr><td>many<\/td><td>s<\/td><td>1<\/td><td>50 B\/s<\/td><td><\/td><\/tr><tr><td>few<\/td><td>s<\/td><td>1<\/td><td>5 B\/s<\/td><td>4 B\/s<\/td><\/tr>/);
  });
});
