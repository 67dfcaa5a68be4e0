import type { Event } from '../../model/event.ts';
import { type Item, isEvent } from '../../model/item.ts';
import type { Json, JsonObject } from '../../model/json.ts';
import { parseJson, printJson } from '../../model/json-text.ts';
import type { Sample } from '../../model/sample.ts';

interface Column<T> {
  readonly name: string;
  readonly type: string;
  readonly constraint?: string;
  /** As text, which PostgreSQL reads by the column's type; null is NULL. */
  readonly of: (item: T) => string | null;
}

const text = (value: Json): string | null =>
  value === null || value === undefined ? null : typeof value === 'string' ? value : printJson(value);

/** A time without an offset is UTC, whatever the session's zone. */
const zoned = (time: string): string => (/(?:Z|[+-]\d\d:?\d\d)$/.test(time) ? time : `${time}Z`);

/** `numeric` keeps every digit of an integer and the `.0` of a float. */
const sampleColumns: readonly Column<Sample>[] = [
  { name: 'id', type: 'text', constraint: 'PRIMARY KEY', of: (sample) => sample.id },
  { name: 'source', type: 'text', of: (sample) => text(sample.source) },
  { name: 'name', type: 'text', constraint: 'NOT NULL', of: (sample) => sample.name },
  { name: 'type', type: 'text', constraint: 'NOT NULL', of: (sample) => sample.type },
  { name: 'unit', type: 'text', of: (sample) => text(sample.unit) },
  { name: 'volume', type: 'numeric', constraint: 'NOT NULL', of: (sample) => text(sample.volume) },
  { name: 'user_id', type: 'text', of: (sample) => text(sample.user_id) },
  { name: 'user_name', type: 'text', of: (sample) => text(sample.user_name) },
  { name: 'project_id', type: 'text', of: (sample) => text(sample.project_id) },
  { name: 'project_name', type: 'text', of: (sample) => text(sample.project_name) },
  { name: 'resource_id', type: 'text', of: (sample) => text(sample.resource_id) },
  { name: 'timestamp', type: 'timestamptz', constraint: 'NOT NULL', of: (sample) => zoned(sample.timestamp) },
  { name: 'resource_metadata', type: 'jsonb', constraint: 'NOT NULL', of: (sample) => printJson(sample.resource_metadata) },
  { name: 'monotonic_time', type: 'numeric', of: (sample) => text(sample.monotonic_time) },
];

const eventColumns: readonly Column<Event>[] = [
  { name: 'message_id', type: 'text', constraint: 'PRIMARY KEY', of: (event) => event.message_id },
  { name: 'event_type', type: 'text', constraint: 'NOT NULL', of: (event) => event.event_type },
  { name: 'generated', type: 'timestamptz', constraint: 'NOT NULL', of: (event) => zoned(event.generated) },
  { name: 'traits', type: 'jsonb', constraint: 'NOT NULL', of: (event) => printJson(traitsOf(event)) },
  { name: 'raw', type: 'jsonb', constraint: 'NOT NULL', of: (event) => printJson(event.raw) },
];

/** By name, so that `traits->>'host'` finds one. */
function traitsOf({ traits }: Event): JsonObject {
  return Object.fromEntries(traits.map(([name, , value]) => [name, value]));
}

export interface Table {
  readonly create: readonly string[];
  /** Takes one array per column. */
  readonly insert: string;
  readonly columns: (items: readonly Item[]) => (string | null)[][];
  /** What stands in such columns, row by row, by the name of the column. */
  readonly rows: (columns: readonly (readonly (string | null)[])[]) => readonly JsonObject[];
}

/** `name` is a plain identifier, with or without a schema. */
export function tableOf(kind: 'samples' | 'events', name: string): Table {
  return kind === 'samples'
    ? toTable(name, sampleColumns, '(resource_id, name, timestamp)', (items) => items.filter((item) => !isEvent(item)))
    : toTable(name, eventColumns, '(event_type, generated)', (items) => items.filter(isEvent));
}

function toTable<T extends Item>(
  name: string,
  columns: readonly Column<T>[],
  index: string,
  only: (items: readonly Item[]) => readonly Item[],
): Table {
  const names = columns.map((column) => `"${column.name}"`).join(', ');
  const declared = columns.map((column) => `"${column.name}" ${column.type} ${column.constraint ?? ''}`.trim()).join(', ');
  const id = `"${columns[0]?.name}"`;
  const arrays = columns.map((_, i) => `$${i + 1}::text[]`).join(', ');
  const cast = columns.map((column) => `u."${column.name}"::${column.type}`).join(', ');
  const indexName = `${name.replace('.', '_')}_by_time`.slice(0, 63);
  return {
    create: [`CREATE TABLE IF NOT EXISTS ${name} (${declared})`, `CREATE INDEX IF NOT EXISTS ${indexName} ON ${name} ${index}`],
    insert: `INSERT INTO ${name} (${names}) SELECT ${cast} FROM unnest(${arrays}) AS u(${names}) ON CONFLICT (${id}) DO NOTHING`,
    columns: (items) => {
      const ours = only(items) as readonly T[];
      return columns.map((column) => ours.map(column.of));
    },
    rows: (cells) =>
      (cells[0] ?? []).map((_, row) =>
        Object.fromEntries(columns.map(({ name, type }, i) => [name, meant(type, cells[i]?.[row] ?? null)])),
      ),
  };
}

/** What PostgreSQL takes the text for. One that it will refuse stays the text that it is. */
function meant(type: string, cell: string | null): Json {
  if (cell === null || (type !== 'numeric' && type !== 'jsonb')) return cell;
  try {
    return parseJson(cell);
  } catch {
    return cell;
  }
}
