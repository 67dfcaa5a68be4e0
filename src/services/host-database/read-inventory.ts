import { connect, databaseFault, type HostDatabase } from './connect.ts';

/** One template, group or host, in the words of the inventory files. */
export interface InventoryRow {
  readonly kind: string;
  readonly name: string;
  readonly definition: unknown;
}

/** What the query gives: columns `kind` (`template`, `group`, `host`), `name` and `definition` (json). Throws a Fault with PostgreSQL's word. */
export async function readInventoryRows(database: HostDatabase, query: string): Promise<readonly InventoryRow[]> {
  try {
    const client = await connect(database);
    try {
      const { rows } = await client.query<InventoryRow>(query);
      return rows;
    } finally {
      await client.end();
    }
  } catch (error) {
    throw databaseFault(error);
  }
}
