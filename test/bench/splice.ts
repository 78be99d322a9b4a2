// SPDX-License-Identifier: Apache-2.0
/** Ways to join a client's socket to a local backend in the kernel: splice/splice.c, in a cgroup of its own with its backends. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execFileSync } from 'node:child_process';
import { findCgroup2 } from '../../agent/datapath/cgroup.js';
import { compile, compileForKernel, GNU, sourcesIn } from '../helpers/compile.js';
import { freshName, removeCgroup } from '../helpers/kernel.js';
import { Program, type Report } from '../helpers/program.js';

const FOLDER = fileURLToPath(new URL('../../../test/bench/splice/', import.meta.url));
const CHECKS = join(FOLDER, 'checks.py');

/** copy, leg: in user space, without and with an accelerated leg to the backend. The others are told of in docs/adr/0030. */
export const MODES = ['copy', 'leg', 'b', 'a', 'a-fits', 'answers'] as const;
export type Mode = (typeof MODES)[number];

const libbpf = (what: string): string[] => execFileSync('pkg-config', [what, 'libbpf'], { encoding: 'utf8' }).trim().split(/\s+/).filter(Boolean);

export class Splice {
  readonly cgroup = join(findCgroup2(), freshName());
  readonly #programs: Program[] = [];
  readonly #netns: string;
  #proxy: Program | undefined;

  constructor(netns: string) {
    this.#netns = netns;
    mkdirSync(this.cgroup);
  }

  command(command: readonly string[]): Program {
    const program = new Program(command, { netns: this.#netns, cgroup: this.cgroup });
    this.#programs.push(program);
    return program;
  }

  /** `ports`: of the proxy, and of the backend behind it. `folder` is for what is built. */
  async start(mode: Mode, ports: readonly (readonly [number, number])[], folder: string): Promise<void> {
    const object = join(folder, 'splice.bpf.o');
    compileForKernel(join(FOLDER, 'splice.bpf.c'), object);
    const program = compile(join(folder, 'splice'), sourcesIn(FOLDER).filter((name) => /(splice\.c|\.h)$/.test(name)), [...GNU, ...libbpf('--cflags')], libbpf('--libs'));
    this.#proxy = this.command([program, mode, object, this.cgroup, ...ports.map((pair) => pair.join(':'))]);
    await this.#proxy.next();
  }

  /** Bytes that did not go through user space, by way. */
  bytes(): Promise<Report> {
    this.#proxy?.say();
    return this.#proxy?.next() ?? Promise.resolve({});
  }

  /** The backend of the checks. */
  async answerChecks(port: number): Promise<void> {
    await this.command(['python3', CHECKS, 'server', String(port)]).next();
  }

  async clean(): Promise<void> {
    await removeCgroup(this.cgroup);
    for (const program of this.#programs) await program.kill();
  }
}

/** What the ends see, from a client in `netns` through a proxy. */
export async function check(netns: string, host: string, port: number): Promise<Report> {
  const client = new Program(['python3', CHECKS, 'client', host, String(port)], { netns });
  try {
    return await client.next();
  } finally {
    await client.kill();
  }
}
