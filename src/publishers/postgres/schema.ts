import { z } from 'zod';
import { TlsFiles } from '../../model/tls-files.ts';

const tableName = z
  .string()
  .regex(/^(?:[a-z_][a-z0-9_]{0,62}\.)?[a-z_][a-z0-9_]{0,62}$/, 'expected table or schema.table, in small letters, digits and _');

export const PostgresSchema = z.strictObject({
  url: z.url({ protocol: /^postgres(?:ql)?$/ }).describe('`postgresql://user@host:5432/database`.'),
  password_file: z
    .string()
    .min(1)
    .optional()
    .describe('A file with the password, read at every connect; wins over the one in the URL.'),
  table: tableName.optional().describe('The table. Without it `samples` or `events`, after what the sink publishes.'),
  create_table: z.boolean().default(true).describe('Create the table when it is missing. docs/postgres.md shows its columns.'),
  timeout_ms: z.int().min(1).default(10_000).describe('How long connecting, or one batch, may take.'),
  tls: TlsFiles.optional().describe('TLS to the server; without it none.'),
});
export type PostgresParameters = z.output<typeof PostgresSchema>;
export const summary =
  'Inserts batches into a table of PostgreSQL, one statement per batch; an item whose id is there already is left alone.';
