// Tables that are brought up to date in place: rows and cells that say the same are not touched, so that a selection stays.

/** @typedef {{ text: string, look?: string, link?: string, title?: string }} Cell */
/**
 * @template T
 * @typedef {{ title: string, cell: (row: T) => string | Cell, sort?: (row: T) => number | string, right?: boolean, long?: boolean }} Column
 */

/** @template T */
export class Table {
  /** @type {Map<string, HTMLTableRowElement>} */
  #rows = new Map();
  /** @type {{ index: number, descending: boolean } | undefined} */
  #order;
  /** @type {readonly T[]} */
  #latest = [];
  #body = document.createElement('tbody');

  /**
   * @param {HTMLTableElement} table
   * @param {readonly Column<T>[]} columns
   * @param {(row: T) => string} keyOf
   * @param {string} nothing What stands there when there is no row.
   * @param {(row: T) => string} [idOf] By which a link finds the row.
   */
  constructor(table, columns, keyOf, nothing, idOf) {
    this.columns = columns;
    this.keyOf = keyOf;
    this.nothing = nothing;
    this.idOf = idOf;
    const row = document.createElement('tr');
    row.append(...columns.map((column, index) => this.#heading(column, index)));
    const head = document.createElement('thead');
    head.append(row);
    table.append(head, this.#body);
  }

  /** @type {(rows: readonly T[]) => void} */
  show(rows) {
    this.#latest = rows;
    const wanted = this.#sorted(rows).map((row) => this.#row(row));
    if (wanted.length === 0) wanted.push(this.#empty());
    const keep = new Set(wanted);
    for (const [key, row] of this.#rows) if (!keep.has(row)) this.#rows.delete(key);
    if (wanted.length !== this.#body.rows.length || wanted.some((row, index) => row !== this.#body.rows[index])) this.#body.replaceChildren(...wanted);
  }

  /** @type {(column: Column<T>, index: number) => HTMLTableCellElement} */
  #heading(column, index) {
    const heading = document.createElement('th');
    heading.scope = 'col';
    if (column.right) heading.className = 'right';
    if (!column.sort) {
      heading.textContent = column.title;
      return heading;
    }
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = column.title;
    button.addEventListener('click', () => {
      this.#order = { index, descending: this.#order?.index === index ? !this.#order.descending : column.right === true };
      for (const other of heading.parentElement?.children ?? []) other.removeAttribute('aria-sort');
      heading.setAttribute('aria-sort', this.#order.descending ? 'descending' : 'ascending');
      this.show(this.#latest);
    });
    heading.append(button);
    return heading;
  }

  /** @type {(rows: readonly T[]) => readonly T[]} */
  #sorted(rows) {
    const value = this.#order && this.columns[this.#order.index]?.sort;
    if (!this.#order || !value) return rows;
    const sign = this.#order.descending ? -1 : 1;
    return [...rows].sort((a, b) => {
      const [x, y] = [value(a), value(b)];
      return sign * (typeof x === 'number' && typeof y === 'number' ? x - y : String(x).localeCompare(String(y), undefined, { numeric: true }));
    });
  }

  /** @type {(data: T) => HTMLTableRowElement} */
  #row(data) {
    const key = this.keyOf(data);
    let row = this.#rows.get(key);
    if (!row) {
      row = document.createElement('tr');
      if (this.idOf) row.id = this.idOf(data);
      row.append(...this.columns.map(({ right, long }) => {
        const cell = document.createElement('td');
        cell.className = right ? 'right' : long ? 'long' : '';
        return cell;
      }));
      this.#rows.set(key, row);
    }
    this.columns.forEach((column, index) => {
      const cell = row.cells[index];
      if (cell) fill(cell, column.cell(data), column);
    });
    return row;
  }

  #empty() {
    const row = document.createElement('tr');
    const cell = document.createElement('td');
    cell.colSpan = this.columns.length;
    cell.className = 'empty';
    cell.textContent = this.nothing;
    row.append(cell);
    return row;
  }
}

/** Only ever as text: names of programs are chosen by whoever starts them. @type {(cell: HTMLTableCellElement, content: string | Cell, column: { right?: boolean, long?: boolean }) => void} */
function fill(cell, content, { right, long }) {
  const { text, look = '', link, title = '' } = typeof content === 'string' ? { text: content } : content;
  const className = `${right ? 'right' : long ? 'long' : ''} ${look}`.trim();
  if (cell.className !== className) cell.className = className;
  if (cell.title !== title) cell.title = title;
  const anchor = cell.querySelector('a');
  if (cell.textContent === text && anchor?.hash === link) return;
  if (link === undefined) {
    cell.textContent = text;
    return;
  }
  const made = document.createElement('a');
  made.href = link;
  made.textContent = text;
  cell.replaceChildren(made);
}
