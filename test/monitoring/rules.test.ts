// SPDX-License-Identifier: Apache-2.0
/** The rules in Prometheus' own words: promtool reads them, and plays each alert on made-up series. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ALERTS } from '../../scripts/monitoring/alerts.js';

const path = (file: string): string => fileURLToPath(new URL(`../../../${file}`, import.meta.url));
const TESTS = path('test/monitoring/rules.yaml');

function promtool(...args: string[]): void {
  const { status, stdout, stderr } = spawnSync('promtool', args, { encoding: 'utf8' });
  assert.equal(status, 0, `${stdout}${stderr}`);
}

describe('rules', () => {
  it('are what promtool takes', () => { promtool('check', 'rules', path('charts/sidestep/files/rules.yaml')); });
  it('fire when they should, and not before', () => { promtool('test', 'rules', TESTS); });
  it('each fires in some test', () => {
    const text = readFileSync(TESTS, 'utf8');
    assert.deepEqual(ALERTS.map(({ name }) => name).filter((name) => !new RegExp(`alertname: ${name}\\n\\s+exp_alerts:\\n`).test(text)), []);
  });
});
