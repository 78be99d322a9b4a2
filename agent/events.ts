/**
 * Connection events, from the kernel to the log. Each is one line at debug; at info only what did not go well, and of
 * that a few lines per window with the rest as a count: ordinary traffic must not be able to fill a disk.
 */
import type { ConnectionEvent, Datapath, EventType } from './datapath/types.js';
import { reasonOf } from './datapath/reasons.js';
import { plus } from './datapath/traffic.js';
import type { Log } from './log.js';

export interface EventLimits {
  /** Lines per window before counting takes over. */
  burst: number;
  windowMs: number;
}

const words: Readonly<Record<EventType, string>> = {
  open: 'pair accelerated',
  refused: 'local connection stays on TCP',
  fallback: 'pair goes back to TCP',
  close: 'pair closed',
};

export class EventPump {
  readonly counts: Record<EventType, number> = { open: 0, refused: 0, fallback: 0, close: 0 };
  #inWindow = 0;
  #held = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly log: Log,
    private readonly limits: EventLimits = { burst: 10, windowMs: 10_000 },
  ) {}

  start(datapath: Datapath): void {
    datapath.onEvents((events) => {
      for (const event of events) this.take(event);
    });
  }

  take(event: ConnectionEvent): void {
    this.counts[event.type]++;
    const fields = { id: event.id, reason: event.reason };
    if (event.type === 'close') {
      const { redirectedBytes, passedBytes } = plus(event.clientSent, event.serverSent);
      this.log.debug(words.close, { ...fields, redirectedBytes, passedBytes });
      return;
    }
    // A connection that is being learned is decided in a moment; that is no news.
    if (event.type === 'open' || event.reason === 'learning') {
      this.log.debug(words[event.type], fields);
      return;
    }
    this.#timer ??= setTimeout(() => { this.flush(); }, this.limits.windowMs).unref();
    if (this.#inWindow < this.limits.burst) {
      this.#inWindow++;
      this.log.info(words[event.type], { ...fields, because: reasonOf(event.reason).what });
      return;
    }
    this.log.debug(words[event.type], fields);
    const key = `${event.type} ${event.reason}`;
    this.#held.set(key, (this.#held.get(key) ?? 0) + 1);
  }

  /** Ends the window: says what was held back. Also the last word at stop. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#inWindow = 0;
    if (this.#held.size === 0) return;
    const more = Object.fromEntries(this.#held);
    const total = [...this.#held.values()].reduce((sum, count) => sum + count, 0);
    this.#held.clear();
    this.log.info('more connections like these', { total, ...more });
  }
}
