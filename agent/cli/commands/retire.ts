import type { RetireResult } from '../../datapath/types.js';
import type { Run } from '../context.js';
import { EXIT, printLines } from '../io.js';

export interface RetireFlags {
  readonly timeout?: number;
}

function outcome({ removed, unread, sending }: RetireResult, id: string | undefined): string[] {
  const left = unread + sending;
  const lines = [`${String(removed)} sockets left the map; ${String(left)} still in it`];
  if (left > 0) lines.push(`  ${String(unread)} hold unread bytes, ${String(sending)} are sending; they pass over TCP and lose nothing`);
  if (id === undefined) lines.push('acceleration is off now, until the agent is restarted or reloads its configuration (SIGHUP)');
  return lines;
}

export const retire = (id: string | undefined, { timeout }: RetireFlags): Run => async (context) => {
  const request = { ...(id === undefined ? {} : { id }), ...(timeout === undefined ? {} : { timeoutMs: timeout }) };
  let result: RetireResult | undefined;
  for await (const line of context.client().retire(request)) {
    if ('result' in line) result = line.result;
    else if ('progress' in line && context.io.stderr.isTTY) {
      const { removed, unread, sending } = line.progress;
      context.io.stderr.write(`\r${String(removed)} out, ${String(unread + sending)} in `);
    }
  }
  if (context.io.stderr.isTTY) context.io.stderr.write('\r\u001b[K');
  if (!result) {
    context.io.stderr.write('sidestep: the agent stopped before the pairs had left\n  See `sidestep status`.\n');
    return EXIT.problem;
  }
  printLines(context.io, outcome(result, id));
  return result.done ? EXIT.good : EXIT.problem;
};
