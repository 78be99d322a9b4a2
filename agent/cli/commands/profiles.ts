import type { ReadFlags, Run } from '../context.js';
import { EXIT, paintOf, printJson, printLines, widthOf } from '../io.js';
import { renderProfiles } from '../render/profiles.js';

export const profiles = (flags: ReadFlags): Run => async (context) => {
  const answer = await context.client().profiles();
  if (flags.output === 'json') printJson(context.io, answer);
  else printLines(context.io, renderProfiles(answer.profiles, widthOf(context.io), paintOf(context.io)));
  return EXIT.good;
};
