/** Writes what is generated from code; with --check only says which files differ. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { configurationDocs } from '../config/docs.js';
import { defaultYaml } from '../config/defaults.js';
import { jsonSchema } from '../config/jsonschema.js';
import { exampleConfig, userOf } from '../agent/bus/permissions.js';
import { errorsDoc } from '../agent/errors-doc.js';
import { metricsDoc } from '../agent/metrics/doc.js';
import { chartReadme, reloadedKeys } from './chart/readme.js';
import { valuesSchema } from './chart/schema.js';
import { DASHBOARDS } from './monitoring/dashboards.js';
import { dashboardJson } from './monitoring/panels.js';
import { alertsDoc, rulesYaml } from './monitoring/rules.js';

interface Generated {
  /** Path from the root of the project. */
  readonly file: string;
  readonly content: () => string;
}

const generated: readonly Generated[] = [
  { file: 'docs/configuration.md', content: configurationDocs },
  { file: 'docs/metrics.md', content: metricsDoc },
  { file: 'docs/errors.md', content: errorsDoc },
  { file: 'docs/nats-server.conf', content: exampleConfig },
  { file: 'config/default.yaml', content: defaultYaml },
  { file: 'config/schema.json', content: () => `${JSON.stringify(jsonSchema(), null, 2)}\n` },
  { file: 'docs/alerts.md', content: alertsDoc },
  { file: 'charts/sidestep/README.md', content: chartReadme },
  { file: 'charts/sidestep/values.schema.json', content: () => `${JSON.stringify(valuesSchema(), null, 2)}\n` },
  { file: 'charts/sidestep/files/reloaded-keys.txt', content: reloadedKeys },
  { file: 'charts/sidestep/files/rules.yaml', content: rulesYaml },
  { file: 'charts/sidestep/files/nats-user.conf', content: () => `${userOf('@CLUSTER@', '@HOST@', 'nkey: @NKEY@')}\n` },
  ...DASHBOARDS.map((dashboard) => ({ file: `charts/sidestep/dashboards/${dashboard.name}.json`, content: () => dashboardJson(dashboard) })),
];

const path = (file: string): URL => new URL(`../../${file}`, import.meta.url);

function differs({ file, content }: Generated): boolean {
  try {
    return readFileSync(path(file), 'utf8') !== content();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return true;
    throw error;
  }
}

const stale = generated.filter(differs);
if (process.argv.includes('--check')) {
  for (const { file } of stale) console.error(`${file} is not what the code says; run: npm run generate`);
  if (stale.length > 0) process.exitCode = 1;
} else {
  for (const { file, content } of stale) {
    mkdirSync(dirname(path(file).pathname), { recursive: true });
    writeFileSync(path(file), content());
    console.log(`wrote ${file}`);
  }
}
