import type { Cell } from './table.ts';

export const outputFormats = ['csv', 'json', 'python', 'python3', 'wrapped_json'] as const;
export type OutputFormat = (typeof outputFormats)[number];

export interface Printed {
  readonly heads: readonly string[] | null;
  readonly rows: readonly (readonly Cell[])[];
  /** Rows that the filters chose, before Limit and Offset. */
  readonly total: number;
}

/** The body of an answer, as Unicode text. */
export function print(result: Printed, format: OutputFormat, separators: readonly string[]): string {
  const all = result.heads === null ? result.rows : [result.heads, ...result.rows];
  switch (format) {
    case 'csv':
      return csv(all, separators);
    case 'json':
      return list(all, json);
    case 'python':
    case 'python3':
      return list(all, python);
    case 'wrapped_json': {
      const columns = result.heads === null ? '' : `"columns":${json(result.heads)},`;
      return `{${columns}"data":${list(result.rows, json).trimEnd()},"total_count":${result.total}}\n`;
    }
  }
}

function csv(rows: readonly (readonly Cell[])[], [row = '\n', field = ';', item = ',', inner = '|']: readonly string[]): string {
  const cell = (value: Cell, between: string): string =>
    Array.isArray(value) ? value.map((each: Cell) => cell(each, inner)).join(between) : String(value);
  return rows.map((cells) => `${cells.map((value) => cell(value, item)).join(field)}${row}`).join('');
}

function list(rows: readonly (readonly Cell[])[], one: (cell: Cell) => string): string {
  return `[${rows.map((row) => one(row)).join(',\n')}]\n`;
}

/** ASCII only: every client can read it, whatever it takes the encoding for. */
function json(cell: Cell): string {
  if (typeof cell === 'string') return quoted(cell);
  return typeof cell === 'number' ? number(cell, 'null') : `[${cell.map(json).join(',')}]`;
}

function python(cell: Cell): string {
  if (typeof cell === 'string') return quoted(cell).replaceAll('\\/', '/');
  return typeof cell === 'number' ? number(cell, 'None') : `[${cell.map(python).join(',')}]`;
}

/** Neither language has infinity or no number as a literal. */
function number(value: number, none: string): string {
  return Number.isFinite(value) ? String(value) : none;
}

function quoted(text: string): string {
  return JSON.stringify(text).replaceAll(/[\u007f-\uffff]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
