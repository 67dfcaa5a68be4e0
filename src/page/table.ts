import { el, keep, say, set } from './dom.ts';

export interface Column<T> {
  readonly name: string;
  readonly number?: true;
  /** A text, or what draws the cell. */
  readonly show: (row: T) => string | Cell;
}

export interface Cell {
  readonly text: string;
  readonly tone?: 'good' | 'warning' | 'critical' | 'quiet';
  readonly title?: string;
  /** 0 to 1: a bar behind the text. */
  readonly share?: number;
  readonly picture?: SVGSVGElement;
}

/** A table whose rows stay the same elements as long as they are about the same thing. */
export function drawTable<T>(
  table: HTMLElement,
  columns: readonly Column<T>[],
  rows: readonly T[],
  key: (row: T) => string,
  none: string,
): void {
  if (table.childElementCount === 0) {
    const head = el(
      'tr',
      {},
      ...columns.map(({ name, number }) => el('th', { scope: 'col', ...(number ? { class: 'number' } : {}) }, name)),
    );
    table.append(el('thead', {}, head), el('tbody'));
  }
  const body = table.lastElementChild as HTMLElement;
  if (rows.length === 0) {
    body.replaceChildren(el('tr', {}, el('td', { colspan: columns.length, class: 'quiet' }, none)));
    return;
  }
  keep(
    body,
    rows,
    key,
    () => el('tr', {}, ...columns.map((_, index) => (index === 0 ? el('th', { scope: 'row' }) : el('td')))),
    (row, item) => {
      for (const [index, column] of columns.entries())
        drawCell(row.children[index] as HTMLElement, column.show(item), column.number === true);
    },
  );
}

function drawCell(element: HTMLElement, shown: string | Cell, number: boolean): void {
  const cell: Cell = typeof shown === 'string' ? { text: shown } : shown;
  const classes = [number ? 'number' : '', cell.tone ?? '', cell.share === undefined ? '' : 'bar'].filter((each) => each !== '');
  set(element, 'class', classes.length === 0 ? false : classes.join(' '));
  set(element, 'title', cell.title ?? false);
  if (cell.share !== undefined) element.style.setProperty('--share', `${Math.round(Math.min(1, cell.share) * 100)}%`);
  if (cell.picture !== undefined) element.replaceChildren(cell.picture, cell.text);
  else say(element, cell.text);
}
