import type { ScopeObject } from '../../admin/objects.js';
import type { ReadFlags, Run } from '../context.js';
import { EXIT, paintOf, printJson, printLines, widthOf, type Io } from '../io.js';
import { renderScope } from '../render/scope.js';

function show(io: Io, answer: ScopeObject, output: ReadFlags['output']): number {
  if (output === 'json') printJson(io, answer);
  else printLines(io, renderScope(answer, widthOf(io), paintOf(io)));
  return EXIT.good;
}

export const scope = ({ output }: ReadFlags): Run => async (context) => show(context.io, await context.client().scope(), output);

/** A selector may be written without quotes. */
const joined = (words: readonly string[]): string | undefined => (words.length === 0 ? undefined : words.join(' '));

export const disable = (words: readonly string[], { output }: ReadFlags): Run => async (context) =>
  show(context.io, await context.client().disable(joined(words)), output);

export const enable = (words: readonly string[], { output }: ReadFlags): Run => async (context) =>
  show(context.io, await context.client().enable(joined(words)), output);
