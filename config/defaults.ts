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

/** `##` explains; remove one `#` to set. */
export function defaultYaml(): string {
  const lines = [
    '## Sidestep reads this as /etc/sidestep/config.yaml. Environment variables and flags override it.',
    '## Lines with two marks explain. To set something, remove the mark before the key and before its section.',
  ];
  let section = '';
  for (const key of keys) {
    const [first = '', second] = key.name.split('.');
    const head = second === undefined ? '' : first;
    if (head !== section || head === '') lines.push('');
    if (head !== section && head !== '') lines.push(`#${head}:`);
    section = head;
    const indent = head === '' ? '' : '  ';
    lines.push(...wrap(note(key), `##${indent}`), `#${indent}${second ?? first}: ${scalar(key)}`);
  }
  return `${lines.join('\n')}\n`;
}
