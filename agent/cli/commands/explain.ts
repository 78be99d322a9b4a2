import type { ReadFlags, Run } from '../context.js';
import { EXIT, paintOf, printJson, printLines } from '../io.js';
import { renderExplained } from '../render/explain.js';

export const explain = (words: readonly string[], flags: ReadFlags): Run => async (context) => {
  const answer = await context.client().explain(words.join(' '));
  if (flags.output === 'json') printJson(context.io, answer);
  else printLines(context.io, renderExplained(answer, paintOf(context.io)));
  const well = answer.answers.length > 0 && answer.answers.every(({ accelerated }) => accelerated);
  return well ? EXIT.good : EXIT.problem;
};
