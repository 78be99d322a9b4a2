/** What a command may touch of the outside; tests give their own. */
import { columnsOf, type Terminal } from './screen.js';
import { paintFor, type Paint } from './render/paint.js';

export const EXIT = { good: 0, problem: 1, usage: 2, unreachable: 3 } as const;

export interface Stream extends Terminal {
  readonly isTTY?: boolean;
}

export interface Io {
  readonly stdout: Stream;
  readonly stderr: Stream;
  readonly env: NodeJS.ProcessEnv;
}

// A pipe has no width; what reads it does its own cutting.
export const widthOf = ({ stdout }: Io): number => (stdout.isTTY ? columnsOf(stdout) : 1000);
export const paintOf = ({ stdout, env }: Io): Paint => paintFor(stdout.isTTY ?? false, env);

export function printLines(io: Io, lines: readonly string[]): void {
  io.stdout.write(lines.map((line) => `${line}\n`).join(''));
}

export function printJson(io: Io, value: object): void {
  io.stdout.write(`${JSON.stringify(value, undefined, 2)}\n`);
}
