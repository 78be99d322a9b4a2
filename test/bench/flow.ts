// SPDX-License-Identifier: Apache-2.0
/** The suite's own driver: compiled when its source is newer than what was built, and run as a server and a client. */
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compile, GNU, sourcesIn } from '../helpers/compile.js';
import { Program } from '../helpers/program.js';

const folder = fileURLToPath(new URL('../../../test/bench/', import.meta.url));

const PATIENCE_MS = 60_000;

/** Returns the path of the program. */
export const buildFlow = (): string => compile(join(folder, 'build', 'flow'), sourcesIn(join(folder, 'flow')), GNU);

/** What clients print: percentiles in microseconds, or rates. */
export interface Flow {
  readonly p50_us?: number;
  readonly p99_us?: number;
  readonly per_s?: number;
  readonly gbit_s?: number;
}

export interface End {
  readonly cgroup: string;
  readonly netns?: string | undefined;
  readonly cpu: number;
}

export interface Flowing {
  readonly program: string;
  readonly server: End;
  readonly client: End;
  /** Where the server listens, and where the client calls: not the same where an address is translated. */
  readonly at: string;
  readonly call: string;
  readonly words: readonly string[];
  /** Told of both programs as soon as they have been started. */
  readonly started?: ((programs: readonly ChildProcess[]) => void) | undefined;
}

/** One server, one client, fresh connections. */
export async function runFlow({ program, server, client, at, call, words, started }: Flowing): Promise<Flow> {
  const serving = new Program([program, 'server', '--at', at, '--cpu', String(server.cpu)], server);
  try {
    await serving.next();
    const asking = new Program([program, ...words, '--at', call, '--cpu', String(client.cpu)], client);
    started?.([serving.child, asking.child]);
    // What a naive accelerator hangs would wait for ever.
    const patience = setTimeout(() => { asking.child.kill('SIGKILL'); }, PATIENCE_MS);
    try {
      const [report = {}] = await asking.end();
      return report;
    } finally {
      clearTimeout(patience);
    }
  } finally {
    serving.child.stdin!.end();
    await serving.kill();
  }
}
