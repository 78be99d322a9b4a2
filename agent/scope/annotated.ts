/**
 * What pods ask for by annotation: to be excluded, or only observed. Kept in `runDir`, so that an agent that starts while the API server is away
 * leaves alone who was left alone before.
 */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseSelector } from '../../config/selector.js';

export interface Annotated {
  readonly effect: 'exclude' | 'observe';
  /** A selector. */
  readonly text: string;
  /** `annotation KEY: VALUE of pod NAMESPACE/NAME` */
  readonly origin: string;
}

export const isAnnotation = ({ origin }: Pick<Annotated, 'origin'>): boolean => origin.startsWith('annotation ');

const isAnnotated = (value: unknown): value is Annotated => {
  const { effect, text, origin } = value as Record<string, unknown>;
  return (effect === 'exclude' || effect === 'observe') && typeof text === 'string' && typeof origin === 'string' && typeof parseSelector(text) !== 'string';
};

export class AnnotatedFile {
  readonly #path: string;

  constructor(runDir: string) {
    this.#path = join(runDir, 'annotated.json');
  }

  /** A file that makes no sense, or is not there, counts as none: the API server says it again. */
  read(): readonly Annotated[] {
    try {
      const read = JSON.parse(readFileSync(this.#path, 'utf8')) as unknown;
      return Array.isArray(read) && read.every(isAnnotated) ? read : [];
    } catch {
      return [];
    }
  }

  write(rules: readonly Annotated[]): void {
    if (rules.length === 0) {
      rmSync(this.#path, { force: true });
      return;
    }
    mkdirSync(dirname(this.#path), { recursive: true, mode: 0o755 });
    writeFileSync(`${this.#path}.new`, `${JSON.stringify(rules)}\n`, { mode: 0o600 });
    renameSync(`${this.#path}.new`, this.#path);
  }
}
