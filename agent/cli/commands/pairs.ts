import type { ReadFlags, Run } from '../context.js';
import { EXIT, paintOf, printJson, printLines, widthOf } from '../io.js';
import { renderPairs } from '../render/pairs.js';

export const pairs = (flags: ReadFlags): Run => async (context) => {
  const answer = await context.client().pairs();
  if (flags.output === 'json') printJson(context.io, answer);
  else printLines(context.io, renderPairs(answer.pairs, widthOf(context.io), paintOf(context.io)));
  return EXIT.good;
};
