import type { RetireResult } from '../../datapath/types.js';
import { EXIT, printLines } from '../io.js';
import type { Context, Run } from '../context.js';
import { at, processName, serverName } from '../render/names.js';
import { uninstall } from './uninstall.js';

export interface RetireFlags {
  readonly all?: boolean;
  readonly timeout?: number;
  readonly wait?: boolean;
  readonly uninstall?: boolean;
}

/** The longest that the API takes; --wait asks again. */
const LONGEST_MS = 600_000;
const NAMED = 20;

const sockets = (count: number): string => `${String(count)} ${count === 1 ? 'socket' : 'sockets'}`;

/** What left, what did not, and whose it is: that tells which program does not read. */
async function outcome(context: Context, { removed, unread, sending, left }: RetireResult, id: string | undefined): Promise<string[]> {
  const lines = [`${sockets(removed)} left the map; ${String(left)} still in it`];
  if (left === 0) return lines;
  lines.push(`  ${String(unread)} hold unread bytes, ${String(sending)} are sending; they pass over TCP and lose nothing`);
  const { pairs } = await context.client().pairs();
  const theirs = pairs.filter((pair) => (id === undefined ? pair.state !== 'tcp' : pair.id === id));
  for (const { id: name, client, server } of theirs.slice(0, NAMED))
    lines.push(`  ${name}  ${processName(client)} ${at(client)} -> ${serverName(server)} ${at(server)}`);
  if (theirs.length > NAMED) lines.push(`  and ${String(theirs.length - NAMED)} more`);
  return lines;
}

/** Returns undefined when the agent stopped before it had an answer. */
async function once(context: Context, request: { id?: string; timeoutMs?: number }): Promise<RetireResult | undefined> {
  let result: RetireResult | undefined;
  for await (const line of context.client().retire(request)) {
    if ('result' in line) result = line.result;
    else if ('progress' in line && context.io.stderr.isTTY) {
      const { removed, unread, sending } = line.progress;
      context.io.stderr.write(`\r${String(removed)} out, ${String(unread + sending)} in `);
    }
  }
  if (context.io.stderr.isTTY) context.io.stderr.write('\r\u001b[K');
  return result;
}

async function retireAll(context: Context, id: string | undefined, { timeout, wait }: RetireFlags): Promise<RetireResult | undefined> {
  const request = { ...(id === undefined ? {} : { id }), ...(wait ? { timeoutMs: LONGEST_MS } : timeout === undefined ? {} : { timeoutMs: timeout }) };
  let removed = 0;
  for (;;) {
    const result = await once(context, request);
    if (!result) return undefined;
    removed += result.removed;
    if (result.done || !wait) return { ...result, removed };
  }
}

function usage(context: Context, words: string): number {
  context.io.stderr.write(`sidestep: ${words}\n  See \`sidestep retire --help\`.\n`);
  return EXIT.usage;
}

export const retire = (id: string | undefined, flags: RetireFlags): Run => async (context) => {
  if (id !== undefined && (flags.all || flags.uninstall)) return usage(context, 'name a pair, or all of them, not both');
  if (flags.wait && flags.timeout !== undefined) return usage(context, '--wait has no limit; leave out one of --wait and --timeout');
  if (flags.uninstall) return uninstall(context, flags, (all) => retireAll(context, undefined, all), (result) => outcome(context, result, undefined));
  const result = await retireAll(context, id, flags);
  if (!result) {
    context.io.stderr.write('sidestep: the agent stopped before the pairs had left\n  See `sidestep status`.\n');
    return EXIT.problem;
  }
  printLines(context.io, await outcome(context, result, id));
  if (id === undefined) printLines(context.io, ['acceleration is off now, until the agent is restarted or reloads its configuration (SIGHUP)']);
  return result.done ? EXIT.good : EXIT.problem;
};
