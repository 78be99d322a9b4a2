import type { ReadFlags, Run } from '../context.js';
import { EXIT, paintOf, printJson, printLines, widthOf } from '../io.js';
import { renderPods } from '../render/kubernetes.js';

export const pods = (flags: ReadFlags): Run => async (context) => {
  const answer = await context.client().pods();
  if (flags.output === 'json') printJson(context.io, answer);
  else printLines(context.io, renderPods(answer, widthOf(context.io), paintOf(context.io)));
  return EXIT.good;
};
