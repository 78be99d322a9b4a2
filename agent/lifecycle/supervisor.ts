/**
 * What a service manager is told (sd_notify): that the agent is ready, that it reads its configuration again, that it
 * stops and how long that may take, and every so often that its loop still turns. Without NOTIFY_SOCKET: nothing.
 */
import type { Log } from '../log.js';

/** Sends one datagram to the socket of the manager. */
export type Send = (path: string, text: string) => void;

export class Supervisor {
  #timer: NodeJS.Timeout | undefined;
  readonly #socket: string;
  readonly #everyMs: number;
  #failed = false;

  constructor(
    env: NodeJS.ProcessEnv,
    private readonly send: Send,
    private readonly log: Log,
  ) {
    this.#socket = env['NOTIFY_SOCKET'] ?? '';
    // Half of the time that the manager waits, and only if it is this process that it waits for.
    const ours = [undefined, '', String(process.pid)].includes(env['WATCHDOG_PID']);
    this.#everyMs = ours ? Number(env['WATCHDOG_USEC'] ?? 0) / 2000 : 0;
  }

  ready(status: string): void {
    this.#tell('READY=1', `STATUS=${status}`, `MAINPID=${String(process.pid)}`);
    if (this.#everyMs >= 1 && this.#socket !== '') this.#timer ??= setInterval(() => { this.#tell('WATCHDOG=1'); }, this.#everyMs).unref();
  }

  reloading(): void { this.#tell('RELOADING=1', `MONOTONIC_USEC=${String(process.hrtime.bigint() / 1000n)}`); }

  /** `withinMs`: retiring waits for programs to read, which may take longer than managers wait by themselves. */
  stopping(withinMs: number): void {
    this.#tell('STOPPING=1', 'STATUS=retiring pairs', `EXTEND_TIMEOUT_USEC=${String(Math.ceil(withinMs) * 1000)}`);
  }

  close(): void { clearInterval(this.#timer); }

  #tell(...words: string[]): void {
    if (this.#socket === '') return;
    try {
      this.send(this.#socket, words.join('\n'));
    } catch (error) {
      // Once: a manager that does not listen is no reason to fill the log.
      if (!this.#failed) this.log.warn('the service manager could not be told', { error });
      this.#failed = true;
    }
  }
}
