/** Dashboards and alerts as data: what a linter of dashboards and a reader of runbooks would ask. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'mocha';
import { METRICS } from '../../agent/metrics/names.js';
import { ALERTS } from '../../scripts/monitoring/alerts.js';
import { DASHBOARDS } from '../../scripts/monitoring/dashboards.js';
import { dashboardJson, type Panel } from '../../scripts/monitoring/panels.js';

const docs = readFileSync(new URL('../../../docs/alerts.md', import.meta.url), 'utf8');

const panels = DASHBOARDS.flatMap(({ name, rows }) => rows.flatMap((row) => row.panels.map((panel): [string, Panel] => [`${name}: ${panel.title}`, panel])));

describe('dashboards', () => {
  it('have a title, a description and queries on every panel, and no title twice', () => {
    for (const [where, { title, description, queries }] of panels) {
      assert.ok(title !== '' && description.endsWith('.') && queries.length > 0, where);
      assert.ok(queries.every(({ legend }) => queries.length === 1 || legend !== '' ), where);
    }
    assert.equal(new Set(panels.map(([where]) => where)).size, panels.length);
  });

  it('ask only for the chosen job and node, and never show a counter as it is', () => {
    for (const [where, { queries }] of panels)
      for (const { expr } of queries)
        for (const [selector, name] of expr.matchAll(/\b([a-z]+_[a-z0-9_]+)\{[^}]*\}/g)) {
          assert.match(selector, /job=~"\$job", instance=~"\$instance"/, where);
          if (name!.endsWith('_total')) assert.match(expr.slice(0, expr.indexOf(selector)), /(rate|increase)\($/, `${where}: ${expr}`);
        }
  });

  it('lay panels out without gaps over each other, in 24 columns', () => {
    for (const dashboard of DASHBOARDS) {
      const { panels: placed } = JSON.parse(dashboardJson(dashboard)) as { panels: { id: number; gridPos: { x: number; y: number; w: number; h: number } }[] };
      const taken = new Set<string>();
      for (const { gridPos: { x, y, w, h } } of placed) {
        assert.ok(x + w <= 24);
        for (let column = x; column < x + w; column++)
          for (let row = y; row < y + h; row++) {
            assert.ok(!taken.has(`${column},${row}`));
            taken.add(`${column},${row}`);
          }
      }
      assert.deepEqual(placed.map(({ id }) => id), placed.map((_, index) => index + 1));
    }
  });

  it('show every metric of the table, or an alert watches it', () => {
    const text = [...panels.flatMap(([, { queries }]) => queries.map(({ expr }) => expr)), ...ALERTS.map(({ expr }) => expr)].join('\n');
    const unseen = Object.keys(METRICS).filter((name) => !name.startsWith('istio_') && !text.includes(name));
    // Parts of what is shown, and what matters to somebody who looks at one host.
    assert.deepEqual(unseen, [
      'sidestep_edge_messages_total', 'sidestep_program_info', 'sidestep_tcp_queue_messages_total', 'sidestep_tuning_refused_total',
      'sidestep_bus_compares_total', 'sidestep_bus_server_restarts_total', 'sidestep_reuseport_groups', 'sidestep_reuseport_migrations_total',
      'sidestep_reuseport_queue_depth', 'sidestep_reuseport_fallbacks_total', 'sidestep_config_last_reload_success_timestamp_seconds',
    ]);
  });
});

describe('alerts', () => {
  it('have a name of their own, words for people, and a page that says what to do', () => {
    assert.equal(new Set(ALERTS.map(({ name }) => name)).size, ALERTS.length);
    for (const { name, summary, description, meaning, todo } of ALERTS) {
      assert.match(name, /^Sidestep[A-Z][A-Za-z]+$/);
      assert.ok(summary !== '' && description.endsWith('.') && meaning.endsWith('.') && todo.length > 0, name);
      assert.ok(docs.includes(`## ${name}\n`), name);
    }
  });
});
