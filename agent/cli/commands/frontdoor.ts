import type { ReadFlags, Run } from '../context.js';
import { EXIT, paintOf, printJson, printLines, widthOf } from '../io.js';
import { renderFrontDoor } from '../render/frontdoor.js';

export const drainDoor = (name: string, { undo }: { undo?: boolean }): Run => async (context) => {
  const draining = undo !== true;
  const { listeners } = await context.client().drainDoor(name, draining);
  const left = listeners.filter((door) => door.name === name && door.state === 'draining').reduce((sum, { active }) => sum + active, 0);
  printLines(context.io, [draining ? `${name} takes no more connections; ${left} are still open` : `${name} takes connections again`]);
  return EXIT.good;
};

export const frontdoor = (flags: ReadFlags): Run => async (context) => {
  const answer = await context.client().frontdoor();
  if (flags.output === 'json') printJson(context.io, answer);
  else printLines(context.io, renderFrontDoor(answer, widthOf(context.io), paintOf(context.io)));
  return answer.listeners.some(({ state }) => state === 'failed') ? EXIT.problem : EXIT.good;
};
