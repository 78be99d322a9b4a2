// SPDX-License-Identifier: Apache-2.0
/**
 * The dashboards as pictures, for whoever changes them and has no Grafana: what is in charts/sidestep/dashboards, its queries asked of a
 * Prometheus, drawn as Grafana would lay it out. Not Grafana: what it shows is which panels are empty, what units, legends and columns say.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { Chromium, findChromium } from '../../helpers/chromium.js';
import { page, type Drawn, type PanelJson, type Range, type Series } from './draw.js';

const DASHBOARDS = fileURLToPath(new URL('../../../../charts/sidestep/dashboards/', import.meta.url));
const usage = `usage: npm run preview -- [options]

  --prometheus <url>   whose answers are drawn; default http://127.0.0.1:9090
  --minutes <n>        how far back; default 15
  --until <time>       where it ends, such as 2026-01-31T12:00:00Z; default now
  --scrape <seconds>   how often that Prometheus scrapes; default 15
  --only <name>        one dashboard
  --out <directory>    where pages and pictures are written; default dashboards

  Exit codes: 0 drawn, 1 not so, 2 bad usage. Panels without data are named.
`;

class UsageError extends Error {}

interface Matrix { readonly metric: Record<string, string>; readonly values?: [number, string][]; readonly value?: [number, string] }

const named = (legend: string, labels: Record<string, string>, expr: string): string => {
  if (legend !== '') return legend.replace(/\{\{\s*(\w+)\s*\}\}/g, (_, label: string) => labels[label] ?? '');
  const all = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
  return all.length === 0 ? expr : `{${all.join(', ')}}`;
};

class Asked {
  readonly empty: string[] = [];
  constructor(private readonly url: string, private readonly range: Range, private readonly scrape: number) {}

  async panel(panel: PanelJson): Promise<Drawn> {
    const answers: (readonly Series[])[] = [];
    for (const { expr, legendFormat, instant } of panel.targets ?? []) answers.push(await this.#ask(this.#filled(expr), legendFormat, instant));
    if (panel.type !== 'row' && answers.flat().length === 0) this.empty.push(panel.title);
    return { panel, answers };
  }

  /** With everything chosen, as a fresh import has it. */
  #filled(expr: string): string {
    const interval = Math.max(4 * this.scrape, this.range.step + this.scrape);
    return expr.replaceAll('$__rate_interval', `${String(interval)}s`).replaceAll('$job', '.+').replaceAll('$instance', '.+');
  }

  async #ask(query: string, legend: string, isInstant: boolean): Promise<Series[]> {
    const { from, to, step } = this.range;
    const parameters = new URLSearchParams(isInstant ? { query, time: String(to) } : { query, start: String(from), end: String(to), step: String(step) });
    const response = await fetch(`${this.url}/api/v1/${isInstant ? 'query' : 'query_range'}`, { method: 'POST', body: parameters });
    const { status, error, data } = await response.json() as { status: string; error?: string; data: { result: Matrix[] } };
    if (status !== 'success') throw new Error(`${query}: ${error ?? status}`);
    return data.result.map(({ metric, values, value }) => ({
      name: named(legend, metric, query), labels: metric,
      points: (values ?? (value ? [value] : [])).map(([at, number]) => [at, Number(number)] as const).filter(([, number]) => Number.isFinite(number)),
    }));
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      prometheus: { type: 'string', default: 'http://127.0.0.1:9090' }, minutes: { type: 'string', default: '15' }, until: { type: 'string' }, scrape: { type: 'string', default: '15' },
      only: { type: 'string' }, out: { type: 'string', default: 'dashboards' },
    },
  });
  const chromium = findChromium();
  if (chromium === undefined) throw new Error('there is no Chromium here (apt-get install chromium-headless-shell)');
  const [minutes, scrape] = [Number(values.minutes), Number(values.scrape)];
  if (!(minutes > 0 && scrape > 0)) throw new UsageError('--minutes and --scrape take numbers above 0');
  const until = values.until === undefined ? Date.now() : Date.parse(values.until);
  if (Number.isNaN(until)) throw new UsageError('--until takes a time');
  const step = Math.max(1, Math.round((minutes * 60) / 400)), to = Math.floor(until / 1000 / step) * step;
  const range = { from: to - minutes * 60, to, step };
  mkdirSync(values.out, { recursive: true });
  const browser = await Chromium.start(chromium);
  try {
    for (const file of readdirSync(DASHBOARDS).filter((name) => values.only === undefined || name === `${values.only}.json`)) {
      const { title, panels } = JSON.parse(readFileSync(join(DASHBOARDS, file), 'utf8')) as { title: string; panels: PanelJson[] };
      const asked = new Asked(values.prometheus, range, scrape), drawn: Drawn[] = [];
      for (const panel of panels) drawn.push(await asked.panel(panel));
      const path = join(values.out, file.replace(/json$/, ''));
      const { html, height } = page(title, drawn, range);
      writeFileSync(`${path}html`, html);
      const tab = await browser.tab({ width: 1408, height });
      await tab.open(pathToFileURL(`${path}html`).href);
      writeFileSync(`${path}png`, await tab.picture());
      console.log(`${path}png${asked.empty.length === 0 ? '' : `; no data: ${asked.empty.join(', ')}`}`);
    }
  } finally {
    await browser.close();
  }
}

main().catch((error: unknown) => {
  const isUsage = error instanceof UsageError || ((error as NodeJS.ErrnoException).code ?? '').startsWith('ERR_PARSE_ARGS');
  console.error(isUsage ? `${(error as Error).message}\n\n${usage}` : error);
  process.exitCode = isUsage ? 2 : 1;
});
