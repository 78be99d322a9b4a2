/**
 * Profiles as a file: the one of the state directory, those that are exported and imported, and the lists that come
 * with Sidestep. JSON as it is written; YAML is read as well. A file is taken as a whole or not at all, and everything
 * that is wrong with it is said at once.
 */
import { LineCounter, parseDocument, type Document, type Node } from 'yaml';
import { SidestepError, wordsOf } from '../errors.js';
import { inOrder, readEntry } from './entry.js';
import { idOf, type KnownProfile } from './known.js';

export const FORMAT = 'sidestep-profiles';
export const VERSION = 1;
export const MOST_PROFILES = 4096;

/** Where in the file, as a path of keys and indices, and what to do about it. */
export interface Problem {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

export class ProfilesError extends SidestepError {
  /** One line for each problem: file, line and column, key, what to do. */
  constructor(readonly lines: readonly string[]) {
    const more = lines.length > 20 ? [`and ${lines.length - 20} more`] : [];
    super('profiles_invalid', [...lines.slice(0, 20), ...more].join('\n    '));
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function check(value: unknown, now: string): { profiles: KnownProfile[]; problems: Problem[] } {
  const problems: Problem[] = [];
  const wrong = (path: Problem['path'], message: string): void => { problems.push({ path, message }); };
  const profiles: KnownProfile[] = [];
  if (!isObject(value)) {
    wrong([], `a map with the keys format, version and profiles is expected`);
    return { profiles, problems };
  }
  const known = ['format', 'version', 'saved', 'profiles'];
  for (const key of Object.keys(value)) if (!known.includes(key)) wrong([key], `there is no such key; known: ${known.join(', ')}`);
  if (value['format'] !== FORMAT) wrong(['format'], `expected ${FORMAT}`);
  if (value['version'] !== VERSION) wrong(['version'], `expected ${VERSION}, the only version that is known here`);
  const list = value['profiles'];
  if (!Array.isArray(list)) wrong(['profiles'], 'expected a list');
  else if (list.length > MOST_PROFILES) wrong(['profiles'], `at most ${MOST_PROFILES} profiles are kept`);
  else {
    const seen = new Map<string, number>();
    list.forEach((entry: unknown, index) => {
      const profile = readEntry(entry, now, (key, message) => { wrong(['profiles', index, ...(key === '' ? [] : [key])], message); });
      if (!profile) return;
      const first = seen.get(idOf(profile));
      if (first !== undefined) wrong(['profiles', index], `the same program, name, script and place as profiles[${first}]`);
      seen.set(idOf(profile), index);
      profiles.push(profile);
    });
  }
  return { profiles, problems };
}

/** `profiles[3].state`. */
function keyOf(path: Problem['path']): string {
  return path.reduce<string>((text, part) => (typeof part === 'number' ? `${text}[${part}]` : text === '' ? part : `${text}.${part}`), '');
}

/** The nearest thing that is there: a key that is missing has no place of its own. */
function offsetOf(document: Document, path: Problem['path']): number {
  for (let end = path.length; end > 0; end--) {
    const node = document.getIn(path.slice(0, end), true) as Node | undefined;
    if (node?.range) return node.range[0];
  }
  return (document.contents)?.range?.[0] ?? 0;
}

/** Aliases could make a short text a very long one. */
function plainValue(document: Document, file: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 0 });
  } catch (error) {
    throw new ProfilesError([`${file}: ${wordsOf(error)}`]);
  }
}

/** Throws ProfilesError. `file` is only for its words. */
export function readProfiles(text: string, file: string, now = new Date().toISOString()): KnownProfile[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
    const { profiles, problems } = check(value, now);
    if (problems.length === 0) return profiles;
  } catch {
    // Not JSON. What it is, and where it goes wrong, the slower reader finds out.
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${file}:${line}:${col}`;
  };
  if (document.errors.length > 0) throw new ProfilesError(document.errors.map(({ message, pos }) => `${at(pos[0])}: ${message}`));
  const { profiles, problems } = check(plainValue(document, file), now);
  if (problems.length === 0) return profiles;
  throw new ProfilesError(problems.map(({ path, message }) =>
    `${at(offsetOf(document, path))}: ${path.length === 0 ? '' : `${keyOf(path)}: `}${message}`));
}

export interface ProfilesFile {
  readonly format: typeof FORMAT;
  readonly version: typeof VERSION;
  readonly saved: string;
  readonly profiles: readonly KnownProfile[];
}

/** In a fixed order, entries and keys, so that two files with the same content are the same file. */
export function profilesFile(profiles: readonly KnownProfile[], saved = new Date().toISOString()): ProfilesFile {
  const sorted = [...profiles].sort((a, b) => a.name.localeCompare(b.name) || a.place.localeCompare(b.place) || idOf(a).localeCompare(idOf(b)));
  return { format: FORMAT, version: VERSION, saved, profiles: sorted.map(inOrder) };
}

export const textOf = (file: ProfilesFile): string => `${JSON.stringify(file, undefined, 2)}\n`;
