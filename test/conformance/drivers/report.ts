// SPDX-License-Identifier: Apache-2.0
/** What a driver says of its checks: one JSON object on a line for each. */
import { setTimeout as sleep } from 'node:timers/promises';

const LIMIT_MS = 20_000;

/** A check that throws, or does not end, is bad; the next one runs all the same. */
export async function check(name: string, what: () => Promise<string>): Promise<void> {
  const late = new AbortController();
  const outcome = await Promise.race([
    what().catch((error: unknown) => ({ bad: `${(error as NodeJS.ErrnoException).code ?? ''} ${(error as Error).message}`.trim() })),
    sleep(LIMIT_MS, { bad: `no end within ${LIMIT_MS / 1000} s` }, { signal: late.signal }).catch(() => ({ bad: '' })),
  ]);
  late.abort();
  const said = typeof outcome === 'string' ? { outcome } : { outcome: outcome.bad, bad: true };
  process.stdout.write(`${JSON.stringify({ check: name, ...said })}\n`);
}

export const short = process.argv.includes('short');

/** `driver serve` or `driver ask`. */
export async function main(serve: () => void | Promise<void>, ask: () => Promise<void>): Promise<void> {
  if (process.argv[2] === 'serve') {
    await serve();
    return;
  }
  await ask();
  process.exit(0); // connections that a failed check has left open are of no interest
}
