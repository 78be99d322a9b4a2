// SPDX-License-Identifier: Apache-2.0
/** A program that runs in a place. */
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';

export interface Ended {
  /** "exit 0", "SIGSEGV", "no end within 60 s". */
  readonly how: string;
  readonly stdout: Buffer;
  readonly stderr: string;
  text(): string;
}

export class Running {
  readonly #out: Buffer[] = [];
  readonly #errors: Buffer[] = [];
  readonly #closed: Promise<unknown>;

  constructor(readonly name: string, readonly child: ChildProcessWithoutNullStreams) {
    child.stdout.on('data', (chunk: Buffer) => this.#out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => this.#errors.push(chunk));
    child.stdin.on('error', () => undefined); // a program that does not want all of it; its exit code tells more
    this.#closed = once(child, 'close');
  }

  get pid(): number {
    return this.child.pid!;
  }

  get over(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  text(): string {
    return Buffer.concat(this.#out).toString();
  }

  lastWords(): string {
    return `${Buffer.concat(this.#errors).toString()}${this.text()}`.trim().slice(-300);
  }

  /** Waits for its end, and makes it come. */
  async end(limitS: number): Promise<Ended> {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      this.child.kill('SIGKILL');
      // A child of its own may still hold these open.
      this.child.stdout.destroy();
      this.child.stderr.destroy();
    }, limitS * 1000);
    await this.#closed;
    clearTimeout(timer);
    const code = this.child.exitCode === null ? String(this.child.signalCode) : `exit ${this.child.exitCode}`;
    const stdout = Buffer.concat(this.#out);
    return { how: late ? `no end within ${limitS} s` : code, stdout, stderr: Buffer.concat(this.#errors).toString(), text: () => stdout.toString() };
  }

  /** Asks it to end, and ends it when it does not. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Ended> {
    this.child.kill(signal);
    return this.end(10);
  }

  /** Waits until it has printed this. */
  async says(text: string, withinMs = 20_000): Promise<void> {
    const late = AbortSignal.timeout(withinMs);
    while (!`${Buffer.concat(this.#errors).toString()}${this.text()}`.includes(text)) {
      if (this.over || late.aborted) throw new Error(`${this.name} did not say ${text}: ${this.lastWords()}`);
      await Promise.race([once(this.child.stdout, 'data', { signal: late }), once(this.child.stderr, 'data', { signal: late }), this.#closed])
        .catch(() => undefined);
    }
  }
}
