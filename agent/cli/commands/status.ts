import type { ReadFlags, Run } from '../context.js';
import { EXIT, paintOf, printJson, printLines } from '../io.js';
import { renderStatus } from '../render/status.js';

export const status = (flags: ReadFlags): Run => async (context) => {
  const answer = await context.client().status();
  if (flags.output === 'json') printJson(context.io, answer);
  else printLines(context.io, renderStatus(answer, paintOf(context.io)));
  return answer.problems.length === 0 ? EXIT.good : EXIT.problem;
};
