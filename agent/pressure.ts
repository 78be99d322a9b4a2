/** Says in the log when a map becomes tight, and when it has room again. */
import { pressureProblems } from './datapath/pressure.js';
import type { Datapath } from './datapath/types.js';
import type { Log } from './log.js';

const EVERY_MS = 10_000;

export class PressureWatch {
  #timer: NodeJS.Timeout | undefined;
  #tight = false;

  constructor(private readonly log: Log) {}

  start(datapath: Datapath, everyMs = EVERY_MS): void {
    this.#timer = setInterval(() => { this.look(datapath); }, everyMs).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  look(datapath: Datapath): void {
    try {
      const problems = pressureProblems(datapath.maps());
      if (problems.length > 0 && !this.#tight) this.log.warn('kernel maps are running full', { problems });
      if (problems.length === 0 && this.#tight) this.log.info('kernel maps have room again');
      this.#tight = problems.length > 0;
    } catch (error) {
      this.log.debug('the maps could not be counted', { error });
    }
  }
}
