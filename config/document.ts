/** The settings in a YAML (or JSON) text, each with its place. */
import { isAlias, isMap, isNode, isScalar, isSeq, LineCounter, parseDocument, type Document, type Node } from 'yaml';
import { keyByName, sections } from './keys.js';
import type { Key } from './keys.js';
import type { Path } from './shape.js';
import { isStructured, readStructured } from './structured.js';
import { emptySource, take, takeList, unknownKey, type Source } from './source.js';

interface Reading {
  readonly file: string;
  readonly lines: LineCounter;
  readonly document: Document;
  readonly source: Source;
}

function place(reading: Reading, offset: number): { where: string; origin: string } {
  const { line, col } = reading.lines.linePos(offset);
  return { where: `${reading.file}:${String(line)}:${String(col)}`, origin: `${reading.file}:${String(line)}` };
}

const offsetOf = (node: unknown): number => (node as Node | null)?.range?.[0] ?? 0;
const kind = (node: unknown): string => (isMap(node) ? 'a map' : isScalar(node) ? 'a single value' : 'a list');
const isNothing = (node: unknown): boolean => node === null || (isScalar(node) && node.value === null);

/** The text as it was written, so that `mode: 0660` is not the decimal number that YAML makes of it. */
function textOf(node: unknown): string | undefined {
  if (!isScalar<string | number | boolean | null>(node) || node.value === null) return undefined;
  return typeof node.value === 'number' ? (node.source ?? String(node.value)) : String(node.value);
}

function readList(reading: Reading, key: Key, items: readonly unknown[], at: { where: string; origin: string }): void {
  const entries = items.map((item) => {
    const node = isAlias(item) ? item.resolve(reading.document) : item;
    return { text: textOf(node), ...place(reading, offsetOf(item)) };
  });
  takeList(reading.source, key, entries, at.where, at.origin);
}

/** Where a path of the list leads, or the nearest place above that is there. */
function placeOf(reading: Reading, top: unknown, path: Path): string {
  let node = top;
  for (const part of path) {
    const next: unknown = isMap(node) ? node.items.find(({ key }) => isScalar(key) && key.value === part)?.value : isSeq(node) ? node.items[Number(part)] : undefined;
    if (!isNode(next)) break;
    node = next;
  }
  return place(reading, offsetOf(node)).where;
}

function takeStructured(reading: Reading, key: Key, value: unknown): void {
  const given: unknown = isNode(value) ? value.toJS(reading.document, { maxAliasCount: 100 }) : value;
  const read = readStructured(key.formatName, given);
  for (const { path, message, hint } of read?.findings ?? []) {
    const name = `${key.name}${path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${part}`)).join('')}`;
    reading.source.problems.push({ where: placeOf(reading, value, path), key: name, message, hint });
  }
  const { origin } = place(reading, offsetOf(value));
  if (read?.findings.length === 0) reading.source.settings.push({ key, value: read.value, origin });
}

function readKey(reading: Reading, name: string, keyNode: unknown, value: unknown): void {
  const at = place(reading, offsetOf(keyNode));
  const { problems } = reading.source;
  const key = keyByName.get(name);
  if (key && isStructured(key.formatName) && !isNothing(value)) {
    takeStructured(reading, key, value);
  } else if (key?.format.complaint && isSeq(value)) {
    readList(reading, key, value.items, at);
  } else if (key) {
    const text = textOf(value);
    if (text !== undefined) {
      const spot = place(reading, offsetOf(value));
      take(reading.source, key, text, spot.where, spot.origin);
      return;
    }
    const given = isNothing(value) ? 'nothing' : kind(value);
    const message = `given ${given}, expected ${key.format.expected(key.rule)}.`;
    problems.push({ where: at.where, key: name, message, hint: 'Give it one value, or remove the line.' });
  } else if (!sections.has(name)) {
    problems.push(unknownKey(name, at.where));
  } else if (isMap(value)) {
    readMap(reading, value, `${name}.`);
  } else if (!isNothing(value)) {
    const inside = [...keyByName.keys()].filter((known) => known.startsWith(`${name}.`)).join(', ');
    const message = `given ${kind(value)}, expected a map of settings.`;
    problems.push({ where: at.where, key: name, message, hint: `Its keys are ${inside}.` });
  }
}

function readMap(reading: Reading, map: Node, prefix: string): void {
  if (!isMap(map)) return;
  for (const { key, value } of map.items) {
    const name = isScalar(key) ? String(key.value) : kind(key);
    readKey(reading, prefix + name, key, isAlias(value) ? value.resolve(reading.document) : value);
  }
}

export function readDocument(text: string, file: string): Source {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, version: '1.2' });
  const reading: Reading = { file, lines, document, source: emptySource() };
  const { problems } = reading.source;

  // The only warning that matters is a tag that nobody knows: its value would quietly be something else.
  for (const error of [...document.errors, ...document.warnings]) {
    const { where } = place(reading, error.pos[0]);
    const hint = 'Correct the YAML; quote a text that has special characters.';
    problems.push({ where, key: '', message: `${error.message.replace(/\.?$/, '')}.`, hint });
  }
  // A repeated key leaves the tree whole; any other mistake leaves guesses that would only add noise.
  if (document.errors.some(({ code }) => code !== 'DUPLICATE_KEY')) return reading.source;

  const top = document.contents;
  if (isMap(top)) readMap(reading, top, '');
  else if (!isNothing(top)) {
    const { where } = place(reading, offsetOf(top));
    const hint = 'Write settings as "key: value", for example "log: {level: debug}".';
    problems.push({ where, key: '', message: `given ${kind(top)}, expected a map of settings at the top.`, hint });
  }
  return reading.source;
}
