/** The table of values in charts/sidestep/README.md, and the keys that an agent follows without a restart. */
import { appliedOn } from '../../config/hot.js';
import { chartValues } from './schema.js';

const cell = (text: string): string => text.replaceAll('|', '\\|');

function table(): string[] {
  const rows = chartValues().map(({ path, doc, default: value }) => `| \`${path}\` | \`${cell(JSON.stringify(value))}\` | ${cell(doc)} |`);
  return ['| value | default | meaning |', '| --- | --- | --- |', ...rows];
}

export const chartReadme = (): string => [
  '# The chart',
  '',
  'Generated from values.yaml. One agent for each node, as a DaemonSet; [docs/kubernetes.md](../../docs/kubernetes.md)',
  'says how to install it, what it may do on a node and why, and how to watch it; [UPGRADING.md](UPGRADING.md) how to',
  'upgrade and remove it.',
  '',
  '```',
  'helm install sidestep charts/sidestep -n sidestep --create-namespace',
  'helm test sidestep -n sidestep',
  '```',
  '',
  '`config` takes the keys of the agent\'s own file; [docs/configuration.md](../../docs/configuration.md) lists them. A value',
  'that does not exist, here or below `config`, is refused with its name.',
  '',
  ...table(),
  '',
].join('\n');

export const reloadedKeys = (): string => `${Object.entries(appliedOn).filter(([, when]) => when === 'hot').map(([key]) => key).sort().join('\n')}\n`;
