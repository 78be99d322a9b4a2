/** A block of lines that is redrawn in place at the foot of a terminal; lines printed meanwhile scroll away above it. */

export interface Terminal {
  readonly columns?: number;
  readonly rows?: number;
  write(text: string): unknown;
}

/** Some terminals say that they have no columns or rows at all, which means that they do not know. */
const known = (size: number | undefined, otherwise: number): number => (size !== undefined && size > 0 ? size : otherwise);

export const columnsOf = ({ columns }: Terminal): number => known(columns, 80);

const up = (lines: number): string => (lines === 0 ? '' : `\u001b[${String(lines)}A`);
const clearBelow = '\r\u001b[J';
const hideCursor = '\u001b[?25l';
const showCursor = '\u001b[?25h';

export class Screen {
  #shown: readonly string[] = [];
  #open = false;

  constructor(private readonly terminal: Terminal) {}

  get width(): number { return columnsOf(this.terminal); }
  /** One line less than the terminal has, so that it never scrolls by itself. */
  get height(): number { return Math.max(5, known(this.terminal.rows, 24) - 1); }

  draw(lines: readonly string[]): void {
    const before = this.#open ? '' : hideCursor;
    this.#open = true;
    this.terminal.write(`${before}${this.#erase()}${lines.map((line) => `${line}\n`).join('')}`);
    this.#shown = lines;
  }

  /** Text that ends in a newline goes above the block. */
  print(text: string): void {
    this.terminal.write(`${this.#erase()}${text}${this.#shown.map((line) => `${line}\n`).join('')}`);
  }

  /** Leaves the last block where it is. */
  close(): void {
    if (this.#open) this.terminal.write(showCursor);
    this.#open = false;
    this.#shown = [];
  }

  #erase(): string {
    return this.#shown.length === 0 ? '' : up(this.#shown.length) + clearBelow;
  }
}
