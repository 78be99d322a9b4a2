/** default.yaml: every key with its default, commented out, so that a copy of it pins nothing. */
import { keys, type Key } from './keys.js';

// A text that YAML would take for a number, or for nothing, needs its quotes.
const scalar = ({ format, formatName, default: value }: Key): string => {
  if (typeof value === 'object') return JSON.stringify(value);
  const text = format.show(value);
  return text === '' || formatName === 'file-mode' ? JSON.stringify(text) : text;
};

const note = (key: Key): string => {
  const { format, rule, appliedOn } = key;
  return `${key.doc} Takes ${format.expected(rule)}.${appliedOn === 'hot' ? ' Applied on reload.' : ''}`;
};

function wrap(text: string, prefix: string): string[] {
  const lines = [prefix];
  for (const word of text.split(' ')) {
    const line = lines.at(-1) ?? '';
    if (line.length + word.length + 1 > 100) lines.push(`${prefix} ${word}`);
    else lines[lines.length - 1] = `${line} ${word}`;
  }
  return lines;
}

const indentOf = (depth: number): string => '  '.repeat(depth);

/** `##` explains; remove one `#` to set. */
export function defaultYaml(): string {
  const lines = [
    '## Sidestep reads this as /etc/sidestep/config.yaml. Environment variables and flags override it.',
    '## Lines with two marks explain. To set something, remove the mark before the key and before its section.',
  ];
  let open: readonly string[] = [];
  for (const key of keys) {
    const inside = key.name.split('.');
    const name = inside.pop() ?? key.name;
    const shared = inside.findIndex((part, depth) => part !== open[depth]);
    const from = shared < 0 ? inside.length : shared;
    if (inside[0] !== open[0] || inside.length === 0) lines.push('');
    for (let depth = from; depth < inside.length; depth++) lines.push(`#${indentOf(depth)}${inside[depth] ?? ''}:`);
    open = inside;
    const indent = indentOf(inside.length);
    lines.push(...wrap(note(key), `##${indent}`), `#${indent}${name}: ${scalar(key)}`);
  }
  return `${lines.join('\n')}\n`;
}
