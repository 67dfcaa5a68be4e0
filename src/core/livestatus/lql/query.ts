import { allOf, anyOf, columnOf, type Filter, parseFilter } from './filter.ts';
import { LqlError } from './lql-error.ts';
import { type OutputFormat, outputFormats } from './print.ts';
import { counting, parseStat, type Stat } from './stats.ts';
import type { AnyTable, Column } from './table.ts';

/** A question as it was asked, its names resolved. */
export interface Query {
  readonly table: AnyTable;
  readonly columns: readonly Column<unknown>[];
  readonly heads: boolean;
  readonly filter: Filter;
  readonly stats: readonly Stat[];
  readonly limit: number;
  readonly offset: number;
  readonly sort: readonly { readonly column: Column<unknown>; readonly descending: boolean }[];
  readonly format: OutputFormat;
  /** Between rows, fields, elements of a list, elements of those. */
  readonly separators: readonly string[];
  readonly user: string | null;
}

const maxHeaders = 10_000;
const maxColumns = 1_000;

/** Throws an `LqlError` with mk's code for what cannot be answered. */
export function parseQuery(lines: readonly string[], tables: readonly AnyTable[]): Query {
  const name = (lines[0] ?? '').replace(/^GET\s+/, '').trim();
  const table = tables.find((each) => each.name === name);
  if (table === undefined) throw new LqlError(404, `Invalid GET request, no such table '${name}'`);
  if (lines.length > maxHeaders) throw new LqlError(413, `More than ${maxHeaders} headers`);
  const asked = new Asked(table);
  for (const line of lines.slice(1)) asked.header(line);
  return asked.query();
}

class Asked {
  readonly #table: AnyTable;
  readonly #filters: Filter[] = [];
  readonly #stats: Stat[] = [];
  readonly #sort: { column: Column<unknown>; descending: boolean }[] = [];
  #columns: Column<unknown>[] | null = null;
  #heads: boolean | null = null;
  #limit = Number.POSITIVE_INFINITY;
  #offset = 0;
  #format: OutputFormat = 'csv';
  #separators = ['\n', ';', ',', '|'];
  #user: string | null = null;

  constructor(table: AnyTable) {
    this.#table = table;
  }

  header(line: string): void {
    const colon = line.indexOf(':');
    if (colon === -1) throw new LqlError(400, `Invalid header '${line.trim()}'`);
    const name = line.slice(0, colon);
    const value = line.slice(colon + 1).trim();
    switch (name) {
      case 'Columns':
        this.#addColumns(value);
        return;
      case 'Filter':
        this.#filters.push(parseFilter(value, this.#table));
        return;
      case 'And':
      case 'Or':
        this.#filters.push(combine(name, taken(this.#filters, value, name)));
        return;
      case 'Negate':
        this.#filters.push(negated(taken(this.#filters, '1', name)[0] as Filter));
        return;
      case 'Stats':
        this.#stats.push(parseStat(value, this.#table));
        return;
      case 'StatsAnd':
      case 'StatsOr':
        this.#stats.push(counting(combine(name.slice(5), taken(this.#stats, value, name).map(filterOf))));
        return;
      case 'StatsNegate':
        this.#stats.push(counting(negated(filterOf(taken(this.#stats, '1', name)[0] as Stat))));
        return;
      case 'Limit':
        this.#limit = natural(value, name);
        return;
      case 'Offset':
        this.#offset = natural(value, name);
        return;
      case 'Sort':
        this.#addSort(value);
        return;
      case 'ColumnHeaders':
        this.#heads = value === 'on';
        return;
      case 'OutputFormat':
        this.#format = formatOf(value);
        return;
      case 'Separators':
        this.#separators = separatorsOf(value);
        return;
      case 'AuthUser':
        this.#user = value;
        return;
      // Of the connection, or of no meaning where every value is there at once.
      case 'ResponseHeader':
      case 'KeepAlive':
      case 'Localtime':
      case 'Timelimit':
      case 'Cache':
        return;
      default:
        throw new LqlError(
          400,
          name.startsWith('Wait') ? `${name}: nothing can be waited for here` : `Undefined request header '${name}'`,
        );
    }
  }

  query(): Query {
    const all = this.#columns === null && this.#stats.length === 0;
    return {
      table: this.#table,
      columns: this.#columns ?? (all ? this.#table.columns : []),
      heads: this.#heads ?? all,
      filter: allOf(this.#filters),
      stats: this.#stats,
      limit: this.#limit,
      offset: this.#offset,
      sort: this.#sort,
      format: this.#format,
      separators: this.#separators,
      user: this.#user,
    };
  }

  #addColumns(value: string): void {
    const names = value === '' ? [] : value.split(/\s+/);
    this.#columns = [...(this.#columns ?? []), ...names.map((name) => columnOf(this.#table, name))];
    if (this.#columns.length > maxColumns) throw new LqlError(413, `More than ${maxColumns} columns`);
  }

  #addSort(value: string): void {
    const [name = '', direction = 'asc'] = value.split(/\s+/);
    if (direction !== 'asc' && direction !== 'desc') throw new LqlError(400, `Sort: expected asc or desc, not '${direction}'`);
    this.#sort.push({ column: columnOf(this.#table, name), descending: direction === 'desc' });
  }
}

/** The last `count` of a stack, which they leave. */
function taken<T>(stack: T[], count: string, header: string): readonly T[] {
  const wanted = natural(count, header);
  if (wanted > stack.length) throw new LqlError(400, `${header}: ${wanted} wanted, only ${stack.length} there`);
  return stack.splice(stack.length - wanted);
}

function combine(how: string, filters: readonly Filter[]): Filter {
  return how === 'And' ? allOf(filters) : anyOf(filters);
}

function negated(filter: Filter): Filter {
  return (row, patience) => !filter(row, patience);
}

function filterOf(stat: Stat): Filter {
  if (stat.filter === null) throw new LqlError(400, 'Only Stats that count can be combined');
  return stat.filter;
}

function natural(value: string, header: string): number {
  if (!/^\d{1,9}$/.test(value)) throw new LqlError(400, `${header}: expected a number, not '${value}'`);
  return Number(value);
}

function formatOf(value: string): OutputFormat {
  const format = outputFormats.find((each) => each === value.toLowerCase());
  if (format === undefined) throw new LqlError(400, `Invalid output format '${value}', use one of ${outputFormats.join(', ')}`);
  return format;
}

function separatorsOf(value: string): string[] {
  const codes = value.split(/\s+/).map(Number);
  if (codes.length !== 4 || !codes.every((code) => Number.isInteger(code) && code >= 0 && code < 256))
    throw new LqlError(400, `Separators: expected four numbers below 256, not '${value}'`);
  return codes.map((code) => String.fromCharCode(code));
}
