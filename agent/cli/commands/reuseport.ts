import type { ReadFlags, Run } from '../context.js';
import { EXIT, paintOf, printJson, printLines, widthOf } from '../io.js';
import { renderReuseport } from '../render/reuseport.js';

export const reuseport = (flags: ReadFlags): Run => async (context) => {
  const answer = await context.client().reuseport();
  if (flags.output === 'json') printJson(context.io, answer);
  else printLines(context.io, renderReuseport(answer, widthOf(context.io), paintOf(context.io)));
  return answer.failure === '' ? EXIT.good : EXIT.problem;
};

export const rotate = (port: number): Run => async (context) => {
  const { rotated } = await context.client().rotate(port);
  printLines(context.io, rotated.map((group) =>
    `port ${group.port}/${group.protocol}: ${group.draining} listeners drain as soon as a new one is ready; start the new ones now`));
  return EXIT.good;
};
