/** Colour, when somebody can see it. */
import { styleText } from 'node:util';

export type Colour = Parameters<typeof styleText>[0];
export type Paint = (colour: Colour, text: string) => string;

export const plain: Paint = (_, text) => text;
export const coloured: Paint = (colour, text) => styleText(colour, text, { validateStream: false });

/** https://no-color.org: any value that is not empty means no. */
export const hasColour = (isTTY: boolean, env: NodeJS.ProcessEnv): boolean =>
  isTTY && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';

export const paintFor = (isTTY: boolean, env: NodeJS.ProcessEnv): Paint => (hasColour(isTTY, env) ? coloured : plain);
