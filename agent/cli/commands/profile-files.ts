/** Commands that change what is remembered of programs, and carry it from host to host. */
import { readFileSync, writeFileSync } from 'node:fs';
import type { ChangedProfiles } from '../../admin/objects.js';
import { SidestepError } from '../../errors.js';
import type { Context, ReadFlags, Run } from '../context.js';
import { EXIT, printJson, printLines } from '../io.js';

const plural = (number: number): string => `${number} ${number === 1 ? 'profile' : 'profiles'}`;

export const exportProfiles = (file: string | undefined): Run => async (context) => {
  const answer = await context.client().exportProfiles();
  const text = `${JSON.stringify(answer.file, undefined, 2)}\n`;
  if (file === undefined) {
    context.io.stdout.write(text);
    return EXIT.good;
  }
  try {
    writeFileSync(file, text);
  } catch (error) {
    throw new SidestepError('bad_request', `${file} cannot be written`, error);
  }
  printLines(context.io, [`${plural(answer.file.profiles.length)} written to ${file}`]);
  return EXIT.good;
};

function textIn(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new SidestepError('bad_request', `${file} cannot be read`, error);
  }
}

export const importProfiles = (file: string, flags: ReadFlags): Run => async (context) => {
  const answer = await context.client().importProfiles(file, textIn(file));
  const { added, changed, unchanged } = answer.imported;
  if (flags.output === 'json') printJson(context.io, answer);
  else printLines(context.io, [`${plural(added)} added, ${changed} changed, ${unchanged} known already`]);
  return EXIT.good;
};

function told(context: Context, answer: ChangedProfiles, flags: ReadFlags, what: string): number {
  if (flags.output === 'json') printJson(context.io, answer);
  else printLines(context.io, answer.profiles.map(({ id, name, place }) => `${what} ${id} ${name} ${place || '(every place)'}`));
  return EXIT.good;
}

export const forgetProfiles = (which: string, flags: ReadFlags): Run => async (context) =>
  told(context, await context.client().forgetProfiles(which), flags, 'forgotten');

export const setProfiles = (which: string, state: string, flags: ReadFlags & { reason?: string }): Run => async (context) =>
  told(context, await context.client().setProfiles(which, state, flags.reason), flags, state);
