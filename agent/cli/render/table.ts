/** Rows into aligned lines of at most a given width. Columns that may shrink share what is missing. */
import { plain, type Colour, type Paint } from './paint.js';

export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
  /** May be cut down to this width, with an ellipsis; without it, the column keeps its width. */
  readonly min?: number;
}

export interface Cell {
  readonly text: string;
  readonly colour?: Colour;
}

export type Row = readonly (Cell | string)[];

const gap = 2;
const textOf = (cell: Cell | string | undefined): string => (typeof cell === 'object' ? cell.text : (cell ?? ''));
// Names of processes come from anybody: control characters must not reach the terminal.
export const clean = (text: string): string => text.replace(/[\u0000-\u001f\u007f-\u009f]/g, '?');

export function cut(text: string, width: number): string {
  return text.length <= width ? text : width < 1 ? '' : `${text.slice(0, width - 1)}…`;
}

/** Takes from the widest column first, one character at a time, until the line fits or nothing gives. */
function fit(columns: readonly Column[], natural: readonly number[], width: number): number[] {
  const widths = [...natural];
  const total = (): number => widths.reduce((sum, one) => sum + one, gap * (widths.length - 1));
  while (total() > width) {
    let widest = -1;
    columns.forEach(({ min }, index) => {
      const here = widths[index] ?? 0;
      if (min !== undefined && here > min && here > (widths[widest] ?? 0)) widest = index;
    });
    if (widest < 0) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  return widths;
}

export function table(columns: readonly Column[], rows: readonly Row[], width: number, paint: Paint = plain): string[] {
  const natural = columns.map(({ title }, index) =>
    rows.reduce((most, row) => Math.max(most, clean(textOf(row[index])).length), title.length));
  const widths = fit(columns, natural, width);
  const line = (row: Row): string => {
    const cells = columns.map(({ align }, index) => {
      const cell = row[index];
      const room = widths[index] ?? 0;
      const text = cut(clean(textOf(cell)), room);
      // The last column is not filled up, so that no line ends in blanks, painted ones included.
      const last = index === columns.length - 1 && align !== 'right';
      const padded = align === 'right' ? text.padStart(room) : last ? text : text.padEnd(room);
      return typeof cell === 'object' && cell.colour !== undefined && padded !== '' ? paint(cell.colour, padded) : padded;
    });
    return cells.join(' '.repeat(gap)).trimEnd();
  };
  return [line(columns.map(({ title }) => ({ text: title, colour: 'bold' as const }))), ...rows.map(line)];
}
