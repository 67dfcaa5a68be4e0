import type { Patience } from './filter.ts';
import { LqlError } from './lql-error.ts';
import { print } from './print.ts';
import { parseQuery, type Query } from './query.ts';
import type { AnyTable, Cell } from './table.ts';

export interface LqlAnswer {
  readonly code: number;
  /** Unicode text. */
  readonly body: string;
}

/** What all patterns of one question may cost together. */
const patternSteps = 2_000_000;

/** Answers the lines of a GET request; never throws for what a client may say. */
export function answerQuery(lines: readonly string[], tables: readonly AnyTable[]): LqlAnswer {
  try {
    const query = parseQuery(lines, tables);
    return { code: 200, body: run(query) };
  } catch (error) {
    if (!(error instanceof LqlError)) throw error;
    return { code: error.code, body: error.message };
  }
}

function run(query: Query): string {
  const { table, columns, filter, stats, user, heads, format, separators } = query;
  const patience: Patience = { left: patternSteps };
  const seen = user === null || table.visibleTo === undefined ? null : table.visibleTo;
  const rows: unknown[] = [];
  for (const row of table.rows()) if ((seen === null || seen(row, user as string)) && filter(row, patience)) rows.push(row);
  const names = [...columns.map((column) => column.name), ...stats.map((_, i) => `stats_${i + 1}`)];
  const results =
    stats.length === 0
      ? sorted(rows, query).map((row) => columns.map((column) => column.value(row)))
      : grouped(rows, query, patience);
  const shown = results.slice(query.offset, query.offset + query.limit);
  return print({ heads: heads ? names : null, rows: shown, total: results.length }, format, separators);
}

function sorted(rows: readonly unknown[], { sort }: Query): readonly unknown[] {
  if (sort.length === 0) return rows;
  return [...rows].sort((a, b) => {
    for (const { column, descending } of sort) {
      const order = compare(column.value(a), column.value(b));
      if (order !== 0) return descending ? -order : order;
    }
    return 0;
  });
}

/** One row of numbers for each combination of the columns; without columns one in all. */
function grouped(rows: readonly unknown[], { columns, stats }: Query, patience: Patience): readonly (readonly Cell[])[] {
  const groups = new Map<string, { readonly cells: readonly Cell[]; readonly rows: unknown[] }>();
  if (columns.length === 0) groups.set('[]', { cells: [], rows: [] });
  for (const row of rows) {
    const cells = columns.map((column) => column.value(row));
    const key = JSON.stringify(cells);
    const group = groups.get(key) ?? { cells, rows: [] };
    groups.set(key, group);
    group.rows.push(row);
  }
  return [...groups.values()].map((group) => [...group.cells, ...stats.map((stat) => stat.of(group.rows, patience))]);
}

function compare(a: Cell, b: Cell): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  const [left, right] = [String(a), String(b)];
  return left < right ? -1 : left > right ? 1 : 0;
}
