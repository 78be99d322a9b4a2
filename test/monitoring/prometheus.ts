// SPDX-License-Identifier: Apache-2.0
/** A real Prometheus that scrapes one target each second, with the rules of the chart. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { eventually } from '../helpers/kernel.js';
import { freePort } from '../helpers/free-port.js';

const RULES = fileURLToPath(new URL('../../../charts/sidestep/files/rules.yaml', import.meta.url));

export interface Sample {
  readonly metric: Record<string, string>;
  /** Time in seconds, and the value in digits. */
  readonly value: readonly [number, string];
}

export interface Rule {
  readonly name: string;
  readonly health: string;
  readonly lastError?: string;
  /** Of an alert only. */
  readonly state?: 'inactive' | 'pending' | 'firing';
}

export class Prometheus {
  readonly #dir = mkdtempSync(join(tmpdir(), 'sidestep-prometheus-'));
  #port = 0;
  #child: ChildProcess | undefined;
  #said = '';

  async start(target: string): Promise<void> {
    this.#port = await freePort();
    const config = join(this.#dir, 'prometheus.yml');
    writeFileSync(config, JSON.stringify({
      global: { scrape_interval: '1s', evaluation_interval: '1s' },
      rule_files: [RULES],
      scrape_configs: [{ job_name: 'sidestep', static_configs: [{ targets: [target] }] }],
    }));
    this.#child = spawn('prometheus', [`--config.file=${config}`, `--storage.tsdb.path=${join(this.#dir, 'data')}`, `--web.listen-address=127.0.0.1:${this.#port}`],
      { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#child.stderr!.on('data', (chunk: Buffer) => { this.#said += chunk.toString(); });
    await eventually(async () => (await this.#get('/-/ready').then(() => '', (error: unknown) => `${String(error)} ${this.#said.slice(-500)}`)), 15_000);
  }

  /** The samples of an instant query. */
  async query(expr: string): Promise<Sample[]> {
    const { data } = JSON.parse(await this.#get(`/api/v1/query?${new URLSearchParams({ query: expr }).toString()}`)) as { data: { result: Sample[] } };
    return data.result;
  }

  async rules(): Promise<Rule[]> {
    const { data } = JSON.parse(await this.#get('/api/v1/rules')) as { data: { groups: { rules: Rule[] }[] } };
    return data.groups.flatMap(({ rules }) => rules);
  }

  async stop(): Promise<void> {
    if (this.#child && this.#child.exitCode === null) {
      this.#child.kill('SIGKILL');
      await once(this.#child, 'close');
    }
    rmSync(this.#dir, { recursive: true, force: true });
  }

  async #get(path: string): Promise<string> {
    const response = await fetch(`http://127.0.0.1:${this.#port}${path}`);
    const text = await response.text();
    if (!response.ok) throw new Error(`${path}: ${response.status} ${text}`);
    return text;
  }
}
