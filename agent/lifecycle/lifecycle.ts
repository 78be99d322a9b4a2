/**
 * Named steps: started in order, stopped in reverse. What did start is stopped whatever happens, each step is asked
 * once, and one deadline holds for the whole stop: a step that hangs is named and left behind, not waited for.
 */
import type { Log } from '../log.js';

/** Starts one step and gives back what it made; `stop` is called with it when the time comes. */
export type StartStep = <T>(
  name: string,
  start: () => T | Promise<T>,
  stop?: (started: T) => void | Promise<void>,
) => Promise<T>;

export interface StopReport {
  /** Steps that had not finished at the deadline. */
  readonly late: string[];
  readonly failed: { step: string; error: unknown }[];
}

interface Started {
  readonly name: string;
  stop(): void | Promise<void>;
}

const LATE = Symbol('late');
/** Thrown out of the body of start() when a stop came in between. */
const STOPPED = Symbol('stopped');

export class Lifecycle {
  readonly #started: Started[] = [];
  #starting: Promise<void> | undefined;
  #stopping: Promise<StopReport> | undefined;

  constructor(
    private readonly log: Log,
    private readonly deadlineMs: number,
  ) {}

  /** True when every step has started; false when a stop came in between. Rethrows what a step threw. */
  async start(body: (step: StartStep) => Promise<void>): Promise<boolean> {
    this.#starting ??= body(this.#step);
    try {
      await this.#starting;
      if (this.#stopping === undefined) return true;
      await this.#stopLeft(await this.stop());
    } catch (error) {
      await this.#stopLeft(await this.stop());
      if (error !== STOPPED) throw error;
    }
    return false;
  }

  /** Idempotent: whoever asks again gets the report of the one stop. */
  stop(): Promise<StopReport> {
    this.#stopping ??= this.#stopAll();
    return this.#stopping;
  }

  readonly #step: StartStep = async (name, start, stop) => {
    // eslint-disable-next-line @typescript-eslint/only-throw-error -- a signal to start(), seen by nobody else
    if (this.#stopping) throw STOPPED;
    this.log.debug('starting', { step: name });
    const made = await start();
    if (stop) this.#started.push({ name, stop: () => stop(made) });
    return made;
  };

  async #stopAll(): Promise<StopReport> {
    const until = performance.now() + this.deadlineMs;
    // A step that is still starting must be done before it can be stopped; its failure belongs to start().
    if (this.#starting) await before(until, this.#starting.catch(() => undefined));
    return this.#stopLeft({ late: [], failed: [] }, until);
  }

  /** Also called for a step that was still starting at the deadline of the stop, once it is done. */
  async #stopLeft(report: StopReport, until = performance.now() + this.deadlineMs): Promise<StopReport> {
    for (let step = this.#started.pop(); step; step = this.#started.pop()) {
      this.log.debug('stopping', { step: step.name });
      try {
        if ((await before(until, Promise.resolve(step.stop()))) === LATE) {
          report.late.push(step.name);
          this.log.warn('a step did not stop in time', { step: step.name });
        }
      } catch (error) {
        report.failed.push({ step: step.name, error });
        this.log.error('a step did not stop cleanly', { step: step.name, error });
      }
    }
    return report;
  }
}

async function before<T>(until: number, work: Promise<T>): Promise<T | typeof LATE> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<typeof LATE>((resolve) => {
    timer = setTimeout(() => { resolve(LATE); }, Math.max(0, until - performance.now()));
  });
  // Left behind, it may still fail later, when nobody listens any more.
  work.catch(() => undefined);
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
