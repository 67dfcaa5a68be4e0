/** A value of a row. Lists hold texts (group members, tags) or lists of them. */
export type Cell = string | number | readonly Cell[];

export type ColumnType = 'string' | 'int' | 'float' | 'time' | 'list';

export interface Column<Row> {
  readonly name: string;
  readonly type: ColumnType;
  readonly description: string;
  readonly value: (row: Row) => Cell;
}

/** Something that can be asked. `rows` gives what is there at the moment of the question. */
export interface Table<Row> {
  readonly name: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: () => Iterable<Row>;
  /** For `AuthUser`; without it everybody sees every row. */
  readonly visibleTo?: (row: Row, user: string) => boolean;
}

/** A table whose kind of row is its own business. */
export interface AnyTable {
  readonly name: string;
  readonly columns: readonly Column<unknown>[];
  readonly rows: () => Iterable<unknown>;
  readonly visibleTo?: (row: unknown, user: string) => boolean;
}

/** Columns and rows belong together here, and stay together. */
export function table<Row>(definition: Table<Row>): AnyTable {
  return definition as unknown as AnyTable;
}

/** The table `columns`: what the others have. */
export function columnsTable(tables: () => readonly AnyTable[]): AnyTable {
  interface Row {
    readonly of: string;
    readonly column: Column<unknown>;
  }
  const text = (name: string, description: string, value: (row: Row) => string): Column<Row> => ({
    name,
    type: 'string',
    description,
    value,
  });
  return table<Row>({
    name: 'columns',
    columns: [
      text('description', 'A description of the column', (row) => row.column.description),
      text('name', 'The name of the column within the table', (row) => row.column.name),
      text('table', 'The name of the table', (row) => row.of),
      text('type', 'The data type of the column (int, float, string, list, time)', (row) => row.column.type),
    ],
    rows: () => tables().flatMap((each) => each.columns.map((column) => ({ of: each.name, column }))),
  });
}
