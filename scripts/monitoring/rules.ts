/** The rules as Prometheus reads them, and a page for each alert. */
import { stringify } from 'yaml';
import { ALERTS, RECORDINGS, type Alert } from './alerts.js';

const page = 'alerts.md';

const anchor = ({ name }: Alert): string => name.toLowerCase();

const rule = (alert: Alert): object => ({
  alert: alert.name,
  expr: alert.expr,
  ...(alert.for !== '' && { for: alert.for }),
  labels: { severity: alert.severity },
  annotations: { summary: `${alert.summary}.`, description: alert.description, runbook_url: `${page}#${anchor(alert)}` },
});

export function rulesYaml(): string {
  const groups = [
    { name: 'sidestep.rules', rules: RECORDINGS },
    { name: 'sidestep.alerts', rules: ALERTS.map(rule) },
  ];
  // Long lines stay whole: the chart puts a base in front of each runbook_url.
  return `# Generated from scripts/monitoring/alerts.ts.\n${stringify({ groups }, { lineWidth: 0 })}`;
}

const section = (alert: Alert): string[] => [
  `## ${alert.name}`,
  '',
  `*${alert.severity}*${alert.for === '' ? '' : `, after ${alert.for}`}. ${alert.summary}: \`${alert.expr}\``,
  '',
  alert.meaning,
  '',
  ...alert.todo.map((line) => `- ${line}`),
  '',
];

export const alertsDoc = (): string => [
  '# Alerts',
  '',
  'Generated from scripts/monitoring/alerts.ts. What each alert means and what to do. The rules are in',
  '[charts/sidestep/files/rules.yaml](../charts/sidestep/files/rules.yaml), which Prometheus takes as a rule file as it is;',
  '[monitoring.md](monitoring.md) says how. None of them wakes anybody for a connection that takes plain TCP: that is',
  'always possible and always correct.',
  '',
  ...ALERTS.flatMap(section),
  '## Recording rules',
  '',
  '| rule | expression |',
  '| --- | --- |',
  ...RECORDINGS.map(({ record, expr }) => `| \`${record}\` | \`${expr}\` |`),
  '',
].join('\n');
