import type { ReadFlags, Run } from '../context.js';
import { EXIT, paintOf, printJson, printLines, widthOf } from '../io.js';
import { renderFrontDoor } from '../render/frontdoor.js';

export const frontdoor = (flags: ReadFlags): Run => async (context) => {
  const answer = await context.client().frontdoor();
  if (flags.output === 'json') printJson(context.io, answer);
  else printLines(context.io, renderFrontDoor(answer, widthOf(context.io), paintOf(context.io)));
  return answer.listeners.some(({ state }) => state === 'failed') ? EXIT.problem : EXIT.good;
};
