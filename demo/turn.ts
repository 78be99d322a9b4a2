/**
 * One run at a time attaches programs and measures: two at once would spoil each other's figures.
 * The lock is held by flock(1) for as long as its standard input is open, so it also ends when the demo is killed.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';

const lockFile = '/run/lock/sidestep-kernel.lock';
const patienceSeconds = 120;

export type Release = () => Promise<void>;

/** Undefined when it was not to be had. */
async function take(stopped: AbortSignal, how: readonly string[]): Promise<Release | undefined> {
  const holder = spawn('flock', [...how, lockFile, 'sh', '-c', 'echo held; exec cat'], {
    detached: true,
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const gone = once(holder, 'close');
  const giveUp = (): void => { holder.kill(); };
  stopped.addEventListener('abort', giveUp);
  const held = await Promise.race([once(holder.stdout, 'data').then(() => true), gone.then(() => false)]);
  stopped.removeEventListener('abort', giveUp);
  if (!held) return undefined;
  return async () => {
    holder.stdin.end();
    await gone;
  };
}

/** Resolves to the function that gives the turn back. */
export async function takeTurn(stopped: AbortSignal, onWait: (sentence: string) => void): Promise<Release> {
  const atOnce = await take(stopped, ['--nonblock']);
  if (atOnce) return atOnce;
  onWait(`another run measures on this host; waiting for ${lockFile}`);
  const later = await take(stopped, ['--timeout', String(patienceSeconds)]);
  stopped.throwIfAborted();
  if (later) return later;
  throw new Error(`another run still held ${lockFile} after ${patienceSeconds} seconds`);
}
