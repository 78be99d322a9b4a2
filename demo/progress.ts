/** One line that changes on a terminal; elsewhere a line for each thing that is done. */
import { Screen, type Terminal } from '../agent/cli/screen.js';
import { cut } from '../agent/cli/render/table.js';

export interface Output extends Terminal {
  readonly isTTY?: boolean;
}

export class Progress {
  readonly #screen: Screen | undefined;

  constructor(private readonly output: Output) {
    this.#screen = output.isTTY === true ? new Screen(output) : undefined;
  }

  now(text: string): void {
    this.#screen?.draw([cut(text, this.#screen.width)]);
  }

  done(text: string): void {
    if (this.#screen) this.now(text);
    else this.output.write(`${text}\n`);
  }

  /** Stays to be read. */
  note(text: string): void {
    if (this.#screen) this.#screen.print(`${text}\n`);
    else this.output.write(`${text}\n`);
  }

  /** Leaves no line of progress behind. */
  close(): void {
    this.#screen?.draw([]);
    this.#screen?.close();
  }
}
