/** Programs that the demo runs: in a group of their own choice, away from the keyboard, and written down. */
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';

export type Child = ChildProcessByStdio<null, Readable, Readable>;

/** The shell joins the cgroup and becomes the program, which therefore has all of its sockets there. */
const joinAndRun = 'echo $$ >"$0/cgroup.procs" && exec "$@"';

const longestRunMs = 60_000;

const quoted = (word: string): string => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`);

export class Commands {
  /** As one would type them, without those that repeat. */
  readonly typed = new Set<string>();

  constructor(private readonly stopped: AbortSignal) {}

  start(group: string, words: readonly string[], signal?: AbortSignal): Child {
    this.typed.add(words.map(quoted).join(' '));
    return spawn('/bin/sh', ['-c', joinAndRun, group, ...words], {
      // Ctrl-C reaches the demo alone, which then ends the others in order.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: environment(),
      ...(signal ? { signal, killSignal: 'SIGKILL' } : {}),
    });
  }

  /** Runs it to its end; resolves to its standard output. */
  async run(group: string, words: readonly string[]): Promise<string> {
    // redis-benchmark tries for ever when nobody listens.
    const late = AbortSignal.timeout(longestRunMs);
    const child = this.start(group, words, AbortSignal.any([this.stopped, late]));
    let out = '';
    let errors = '';
    child.stdout.on('data', (chunk: Buffer) => { out += chunk.toString(); });
    child.stderr.on('data', (chunk: Buffer) => { errors += chunk.toString(); });
    const [code, signal] = (await once(child, 'close').catch((error: unknown) => {
      throw late.aborted ? new Error(`${words[0] ?? ''} had not ended after ${longestRunMs / 1000} seconds`) : error;
    })) as [number | null, NodeJS.Signals | null];
    if (code === 0) return out;
    throw new Error(`${words[0] ?? ''} ended with ${signal ?? String(code)}: ${(errors || out).trim()}`);
  }
}

/** Settings of the agent that serves this host are not for the one of the demo. */
function environment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('SIDESTEP_')));
}

export const ended = (child: Child): boolean => child.exitCode !== null || child.signalCode !== null;

/** Asks it to end, and ends it when it does not. */
export async function stop(child: Child, patienceMs: number): Promise<void> {
  if (ended(child)) return;
  const gone = once(child, 'exit');
  const insist = setTimeout(() => child.kill('SIGKILL'), patienceMs);
  child.kill('SIGTERM');
  await gone;
  clearTimeout(insist);
}

/** The last lines that a child wrote, for the moment when it fails. */
export function lastWords(child: Child, most = 12): () => string {
  let lines: string[] = [];
  let rest = '';
  const take = (chunk: Buffer): void => {
    const parts = (rest + chunk.toString()).split('\n');
    rest = parts.pop() ?? '';
    lines = [...lines, ...parts].slice(-most);
  };
  child.stdout.on('data', take);
  child.stderr.on('data', take);
  return () => [...lines, rest].join('\n').trim();
}
