// SPDX-License-Identifier: Apache-2.0
/** A traffic program that runs inside a cgroup, and if asked inside a network namespace. It talks in JSON lines. */
import assert from 'node:assert/strict';
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** From dist/test/helpers to the sources: the programs are not compiled. */
export const PROGRAMS = fileURLToPath(new URL('../../../test/datapath/programs', import.meta.url));

let interpreter = '';

/** The program behind `python3`, which may be a shim that starts slowly. */
function python(): string {
  interpreter ||= execFileSync('python3', ['-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' }).trim();
  return interpreter;
}

/** What a program reports: each has its own fields. */
export type Report = Record<string, any>; // eslint-disable-line @typescript-eslint/no-explicit-any

export interface Where {
  /** Directory of the cgroup; without it, that of the test. */
  cgroup?: string | undefined;
  netns?: string | undefined;
  env?: NodeJS.ProcessEnv;
}

export class Program {
  readonly child: ChildProcess;
  readonly #name: string;
  readonly #lines: AsyncIterator<string>;
  readonly #ended: Promise<unknown>;
  #complaints = '';

  constructor(command: readonly string[], { cgroup, netns, env }: Where) {
    this.#name = command.slice(0, 3).join(' ');
    // nsenter, because `ip netns exec` mounts its own /sys and hides the cgroups.
    const enter = netns === undefined ? [] : ['nsenter', `--net=/run/netns/${netns}`];
    const join = cgroup === undefined ? [] : ['bash', '-c', 'echo $$ > "$0/cgroup.procs" && exec "$@"', cgroup];
    const [file = '', ...args] = [...enter, ...join, ...command];
    this.child = spawn(file, args, { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1', ...env } });
    this.child.stderr!.on('data', (chunk: Buffer) => { this.#complaints += chunk.toString(); });
    this.child.stdin!.on('error', () => undefined); // a program that has ended; its exit code tells more
    this.#ended = once(this.child, 'close');
    this.#lines = createInterface({ input: this.child.stdout! })[Symbol.asyncIterator]();
  }

  get pid(): number {
    return this.child.pid!;
  }

  async line(): Promise<string | undefined> {
    const { value, done } = await this.#lines.next() as IteratorResult<string, undefined>;
    return done === true ? undefined : value;
  }

  /** The next thing that it reports. */
  async next(): Promise<Report> {
    const line = await this.line();
    if (line !== undefined) return JSON.parse(line) as Report;
    await this.#ended;
    assert.fail(`${this.#name} ended (${String(this.child.exitCode ?? this.child.signalCode)}) without a report: ${this.#complaints}`);
  }

  say(word = 'go'): void {
    this.child.stdin!.write(`${word}\n`);
  }

  /** Waits for the end, which must be a good one. Resolves to what was left to report. */
  async end(): Promise<Report[]> {
    const reports: Report[] = [];
    for (let line = await this.line(); line !== undefined; line = await this.line()) reports.push(JSON.parse(line) as Report);
    await this.#ended;
    assert.equal(this.child.exitCode ?? this.child.signalCode, 0, `${this.#name}: ${this.#complaints}`);
    return reports;
  }

  /** How it ended, and what it complained of. */
  async lastWords(): Promise<string> {
    await this.#ended;
    return `${String(this.child.exitCode ?? this.child.signalCode)} ${this.#complaints}`.trim();
  }

  /** SIGKILL, and wait. */
  async kill(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill('SIGKILL');
    this.child.stdout!.resume();
    await this.#ended;
  }
}

export function startPython(program: string, options: object, where: Where): Program {
  return new Program([python(), join(PROGRAMS, program), JSON.stringify(options)], where);
}
