/** Connections that are open and that nobody follows: from before the agent, or one of many brief ones and gone on. */
import type { NativeFindPass } from '../../native/index.js';
import type { Log } from '../log.js';

/** Milliseconds between two searches while there are brief connections of which only one in some is followed. */
const SEARCH_MS = 5_000;

const BEFORE = 'connections that were open before are being learned';
const GONE_ON = 'connections that have gone on for longer than those before them are being learned';

export type Found = NativeFindPass;

interface Around {
  enabled(): boolean;
  /** Brief connections so far. */
  brief(): number;
  /** Called once, where this kernel gives such connections no record. */
  unable(): void;
  failed(error: unknown): void;
}

export class Finder {
  readonly #timer: NodeJS.Timeout;
  #brief = 0;
  #able = true;
  #stopped = false;

  constructor(private readonly native: { findOpen(): Promise<Found> }, private readonly log: Log, private readonly around: Around) {
    this.#timer = setInterval(() => { this.look(); }, SEARCH_MS).unref();
  }

  /** Whatever is found is learned like anything else. */
  search(what = BEFORE): void {
    if (!this.around.enabled()) return;
    this.native.findOpen().then((pass) => {
      if (this.#stopped) return;
      if (pass.tracked > 0) this.log.info(what, { ...pass });
      if (!this.#able || pass.tracked > 0 || pass.unable === 0) return;
      this.#able = false;
      this.log.info('this kernel gives connections that are open already no record: they stay on TCP, and brief ones are all followed');
      this.around.unable();
    }, (error: unknown) => { this.around.failed(error); });
  }

  stop(): void {
    this.#stopped = true;
    clearInterval(this.#timer);
  }

  /** What the timer does. */
  look(): void {
    const brief = this.around.brief();
    if (brief !== this.#brief) this.search(GONE_ON);
    this.#brief = brief;
  }
}
