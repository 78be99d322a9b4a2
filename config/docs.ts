/** docs/configuration.md. */
import { frontdoorFields } from './frontdoor.js';
import { keys, type Key } from './keys.js';
import { serviceFields } from './services.js';
import type { Field } from './shape.js';
import { tuningFields } from './tuning.js';

const intro = `# Configuration

<!-- Generated from config/schema.ts by npm run generate. -->

Sidestep runs on its defaults. To change something, write \`/etc/sidestep/config.yaml\` (YAML or JSON), set an
environment variable, or pass a flag. A flag wins over the environment, the environment over the file, and the file over
the default. \`sidestep config print --origin\` shows each value and where it came from.

- A key that does not exist, a value that does not fit, or a key given twice keeps the agent from starting. All mistakes
  are reported at once, each with file, line and column and the nearest key that exists. The same holds for
  \`SIDESTEP_*\` variables; an empty one counts as not set, and those that Kubernetes makes for a Service are skipped.
- Keys applied on *reload* follow the file while the agent runs, and SIGHUP. The others need a restart, and the agent
  names them when they change. A file with mistakes changes nothing: the agent reports them and keeps what it had.
- Sizes are bytes, or have a unit: \`KiB\`, \`MiB\`, \`GiB\`. Durations always have one: \`ms\`, \`s\`, \`m\`, \`h\`.
- \`config/schema.json\` is the same as JSON Schema, and \`config/default.yaml\` is a file to start from.
`;

const cell = (text: string): string => text.replaceAll('|', '\\|');

function entry(key: Key): string {
  const value = key.format.show(key.default);
  return [
    `### \`${key.name}\``,
    '',
    cell(key.doc),
    '',
    '| Takes | Default | Environment | Flag | Applied on |',
    '| --- | --- | --- | --- | --- |',
    `| ${[
      cell(key.format.expected(key.rule)),
      value === '' ? 'empty' : `\`${value}\``,
      `\`${key.env}\``,
      `\`${key.flag}\``,
      key.appliedOn === 'hot' ? 'reload' : 'restart',
    ].join(' | ')} |`,
  ].join('\n');
}

function list(title: string, introduction: string, fields: object): string {
  const rows = Object.entries<Field<unknown>>(fields as Record<string, Field<unknown>>).map(([name, field]) =>
    `| \`${name}\` | ${cell(field.doc)} | ${'otherwise' in field ? 'no' : 'yes'} |`);
  return [`## ${title}`, '', introduction, '', '| Key | Is | Must be given |', '| --- | --- | --- |', ...rows].join('\n');
}

const lists = [
  list('Services', 'Each entry of `services` has these keys; [mesh.md](mesh.md) shows them at work.', serviceFields),
  list('Tuning', 'Each entry of `tuning` has these keys: one of the first three at least, and what it sets; [mesh.md](mesh.md#tcp-settings-of-connections-that-leave-the-host) shows them at work.', tuningFields),
  list('Front doors', 'Each entry of `frontdoors` has these keys; [frontdoor.md](frontdoor.md) shows them at work.', frontdoorFields),
];

export function configurationDocs(): string {
  return `${[intro.trimEnd(), ...keys.map(entry), ...lists].join('\n\n')}\n`;
}
