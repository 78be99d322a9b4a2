/** Runs a built program to its end. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export const built = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));

export interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface Running {
  readonly child: ChildProcess;
  readonly outcome: Promise<Outcome>;
  /** All of stderr, so far. */
  heard(): string;
  /** Resolves when stderr has said this. */
  said(text: string): Promise<void>;
}

export function start(script: string, args: readonly string[] = [], env: NodeJS.ProcessEnv = {}): Running {
  const child = spawn(process.execPath, [built(script), ...args], { env: { PATH: process.env['PATH'], ...env } });
  const out: Outcome = { code: null, stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => { out.stdout += chunk.toString(); });
  child.stderr.on('data', (chunk: Buffer) => { out.stderr += chunk.toString(); });
  const outcome = once(child, 'close').then(([code]) => ({ ...out, code: code as number | null }));
  const said = async (text: string): Promise<void> => {
    const ended = outcome.then(() => { throw new Error(`ended without saying ${text}: ${out.stderr}`); });
    while (!out.stderr.includes(text)) await Promise.race([once(child.stderr, 'data'), ended]);
    ended.catch(() => undefined);
  };
  return { child, outcome, said, heard: () => out.stderr };
}

export const sidestep = (args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Outcome> =>
  start('agent/cli/main.js', args, env).outcome;
