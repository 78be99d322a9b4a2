/** The table of `sidestep top` at the foot of the agent's own terminal. */
import type { Frame } from './admin/objects.js';
import { statusOf, type AgentView } from './admin/routes.js';
import { renderTop } from './cli/render/top.js';
import type { Paint } from './cli/render/paint.js';
import type { Screen } from './cli/screen.js';

const everyMs = 1000;

/** Rows that are asked for: more than any terminal shows. */
const BUSIEST = 200;

export class LiveTable {
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;
  #earlier: Frame | undefined;

  constructor(
    private readonly view: AgentView,
    private readonly screen: Screen,
    private readonly paint: Paint,
  ) {}

  async start(): Promise<void> {
    await this.#draw();
    if (!this.#stopped) this.#timer = setTimeout(() => { void this.start(); }, everyMs);
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.screen.close();
  }

  async #draw(): Promise<void> {
    const { view, screen, paint } = this;
    try {
      const pairs = await view.resolver.resolve(view.datapath.pairs(BUSIEST));
      if (this.#stopped) return;
      const frame: Frame = { status: statusOf(view), pairs, at: performance.now() };
      // A third of the terminal stays for the log.
      const height = Math.max(5, Math.floor((screen.height * 2) / 3));
      screen.draw(renderTop(frame, this.#earlier, { width: screen.width, height, paint }));
      this.#earlier = frame;
    } catch (error) {
      view.log.debug('the live table could not be drawn', { error });
    }
  }
}
