import { columnOf, type Filter, type Patience, parseFilter } from './filter.ts';
import { LqlError } from './lql-error.ts';
import type { AnyTable } from './table.ts';

/** One number over many rows. */
export interface Stat {
  /** Null for an aggregate: it cannot be combined with others. */
  readonly filter: Filter | null;
  readonly of: (rows: readonly unknown[], patience: Patience) => number;
}

const aggregates: Readonly<Record<string, (values: readonly number[]) => number>> = {
  sum: (values) => values.reduce((sum, value) => sum + value, 0),
  min: (values) => values.reduce((least, value) => Math.min(least, value), values[0] ?? 0),
  max: (values) => values.reduce((most, value) => Math.max(most, value), values[0] ?? 0),
  avg: mean,
  std: (values) => {
    const middle = mean(values);
    return values.length === 0 ? 0 : Math.sqrt(mean(values.map((value) => (value - middle) ** 2)));
  },
  suminv: (values) => values.reduce((sum, value) => sum + 1 / value, 0),
  avginv: (values) => mean(values.map((value) => 1 / value)),
};

/** `Stats: column operator value` counts; `Stats: sum column` and the like compute. */
export function parseStat(text: string, table: AnyTable): Stat {
  const words = text.trim().split(/\s+/);
  const compute =
    words.length === 2 && Object.hasOwn(aggregates, words[0] as string) ? aggregates[words[0] as string] : undefined;
  if (compute === undefined) return counting(parseFilter(text, table));
  const column = columnOf(table, words[1] as string);
  if (column.type === 'string' || column.type === 'list') throw new LqlError(400, `Column '${column.name}' holds no numbers`);
  return { filter: null, of: (rows) => compute(rows.map((row) => column.value(row) as number)) };
}

export function counting(filter: Filter): Stat {
  return { filter, of: (rows, patience) => rows.reduce<number>((count, row) => count + (filter(row, patience) ? 1 : 0), 0) };
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}
