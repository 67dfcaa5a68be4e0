import { PythonError } from '../../python/python-error.ts';
import { compilePattern } from '../../python/regex/pattern.ts';
import { LqlError } from './lql-error.ts';
import type { AnyTable, Cell, Column } from './table.ts';

/**
 * `steps` bounds the work of all patterns of one question together: patterns come from strangers.
 */
export interface Patience {
  left: number;
}

export type Filter = (row: unknown, patience: Patience) => boolean;

const operators = /^(?<not>!?)(?<op><=|>=|=~|~~|=|~|<|>)$/;

/**
 * `column operator value`. Operators, each with a `!` before it for the opposite:
 *
 * | on | `=` | `~` `~~` | `=~` | `<` `>` `<=` `>=` |
 * |----|-----|----------|------|------------------|
 * | texts | equal | pattern found, without case | equal without case | by code points |
 * | numbers | equal | | | by size |
 * | lists | empty (no value) | one element has the pattern | | `>=` holds the value, `<=` without case; `<` and `>` do not |
 */
export function parseFilter(text: string, table: AnyTable): Filter {
  const found = /^(\S+)\s+(\S+)(?:\s(.*))?$/s.exec(text.trim());
  if (found === null) throw new LqlError(400, `Invalid filter '${text}', expected: column operator value`);
  const [, name = '', operator = '', value = ''] = found;
  const column = columnOf(table, name);
  const parts = operators.exec(operator)?.groups;
  if (parts === undefined) throw new LqlError(400, `Invalid operator '${operator}'`);
  const test = testOf(column, parts['op'] as string, value);
  const not = parts['not'] === '!';
  return (row, patience) => test(column.value(row), patience) !== not;
}

export function columnOf(table: AnyTable, name: string): Column<unknown> {
  const column = table.columns.find((each) => each.name === name) ?? prefixed(table, name);
  if (column === undefined) throw new LqlError(450, `Table '${table.name}' has no column '${name}'`);
  return column;
}

/** `host_name` of table hosts is its `name`. */
function prefixed(table: AnyTable, name: string): Column<unknown> | undefined {
  const prefix = `${table.name.replace(/s$/, '')}_`;
  return name.startsWith(prefix) ? table.columns.find((each) => each.name === name.slice(prefix.length)) : undefined;
}

export function allOf(filters: readonly Filter[]): Filter {
  return (row, patience) => filters.every((filter) => filter(row, patience));
}

export function anyOf(filters: readonly Filter[]): Filter {
  return (row, patience) => filters.some((filter) => filter(row, patience));
}

type Test = (cell: Cell, patience: Patience) => boolean;

function testOf(column: Column<unknown>, op: string, value: string): Test {
  if (column.type === 'list') return listTest(column, op, value);
  return column.type === 'string' ? textTest(op, value) : numberTest(column, op, value);
}

function numberTest(column: Column<unknown>, op: string, value: string): Test {
  const number = Number(value);
  if (value.trim() === '' || !Number.isFinite(number))
    throw new LqlError(400, `Column '${column.name}' needs a number, not '${value}'`);
  const compare = comparison(op);
  if (compare === undefined) throw new LqlError(400, `Operator '${op}' is not for numbers, as in column '${column.name}'`);
  return (cell) => compare(cell as number, number);
}

function textTest(op: string, value: string): Test {
  if (op === '~' || op === '~~') return patternTest(value, op === '~~');
  if (op === '=~') {
    const lower = value.toLowerCase();
    return (cell) => (cell as string).toLowerCase() === lower;
  }
  const compare = comparison(op) as (a: string, b: string) => boolean;
  return (cell) => compare(cell as string, value);
}

function listTest(column: Column<unknown>, op: string, value: string): Test {
  const items = (cell: Cell) => cell as readonly Cell[];
  const lower = value.toLowerCase();
  switch (op) {
    case '=':
      if (value !== '') throw new LqlError(400, `A list such as '${column.name}' can only be compared with nothing: '=' alone`);
      return (cell) => items(cell).length === 0;
    case '>=':
      return (cell) => items(cell).includes(value);
    case '<':
      return (cell) => !items(cell).includes(value);
    case '<=':
      return (cell) => items(cell).some((item) => String(item).toLowerCase() === lower);
    case '>':
      return (cell) => !items(cell).some((item) => String(item).toLowerCase() === lower);
    case '~':
    case '~~': {
      const test = patternTest(value, op === '~~');
      return (cell, patience) => items(cell).some((item) => test(String(item), patience));
    }
    default:
      throw new LqlError(400, `Operator '${op}' is not for lists, as in column '${column.name}'`);
  }
}

function patternTest(source: string, ignoreCase: boolean): Test {
  const flags = ignoreCase ? '(?i)' : '';
  const pattern = guarded(() => {
    compilePattern(source); // by itself, so that no bracket of it closes ours
    // Found anywhere, as mk does: any beginning may come before it.
    return compilePattern(`${flags}[\\s\\S]*?(?:${source})`);
  });
  return (cell, patience) => guarded(() => pattern.matches(cell as string, patience));
}

function guarded<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof PythonError)) throw error;
    throw new LqlError(400, `Invalid regular expression: ${error.message}`);
  }
}

function comparison(op: string): (<T extends string | number>(a: T, b: T) => boolean) | undefined {
  switch (op) {
    case '=':
      return (a, b) => a === b;
    case '<':
      return (a, b) => a < b;
    case '>':
      return (a, b) => a > b;
    case '<=':
      return (a, b) => a <= b;
    case '>=':
      return (a, b) => a >= b;
    default:
      return undefined;
  }
}
