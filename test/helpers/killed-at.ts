// SPDX-License-Identifier: Apache-2.0
/** Ends a program with SIGKILL at one of the calls by which it changes the kernel: strace lets it come so far, no further. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** One place to die: at the n-th call of this name. */
export interface Call {
  name: string;
  n: number;
}

const CALLS = 'bpf,rename,unlink,unlinkat,mkdir,rmdir,chmod';

async function strace(args: readonly string[], command: readonly string[]): Promise<string> {
  const dir = mkdtempSync(join(tmpdir(), 'ss-strace-'));
  try {
    const file = join(dir, 'calls');
    // No descriptor of ours may live on in it; its input has ended, so that a program that waits for it ends.
    const child = spawn('strace', ['-f', '-qq', '-o', file, ...args, ...command], { stdio: ['ignore', 'ignore', 'ignore'] });
    await once(child, 'close');
    return readFileSync(file, 'utf8');
  } finally {
    rmSync(dir, { recursive: true });
  }
}

/** What these make goes with the process, so that to die after one is to die after the one before. */
const WITHOUT_TRACE = /^BPF_(BTF_LOAD|MAP_CREATE|PROG_LOAD|PROG_BIND_MAP|OBJ_GET_INFO_BY_FD|MAP_FREEZE)$/;

/** Every such call of the program that leaves something behind, in order, when nothing kills it. */
export async function callsOf(command: readonly string[]): Promise<Call[]> {
  const counts = new Map<string, number>();
  const calls: Call[] = [];
  for (const [, name = '', first = ''] of (await strace(['-e', `trace=${CALLS}`], command)).matchAll(/^\d+ +(\w+)\((\w*)/gm)) {
    const n = (counts.get(name) ?? 0) + 1;
    counts.set(name, n);
    if (!WITHOUT_TRACE.test(first)) calls.push({ name, n });
  }
  return calls;
}

export async function killedAt({ name, n }: Call, command: readonly string[]): Promise<void> {
  await strace(['-e', `trace=${name}`, '-e', `inject=${name}:signal=KILL:when=${n}`], command);
}
