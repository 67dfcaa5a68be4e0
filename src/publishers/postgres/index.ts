import { Client } from 'pg';
import { orAborted } from '../../lib/or-aborted.ts';
import { orLate } from '../../lib/or-late.ts';
import { Fault } from '../../model/faults.ts';
import { isEvent } from '../../model/item.ts';
import { printJson } from '../../model/json-text.ts';
import { tlsOptions } from '../../model/tls-files.ts';
import { readConfigured } from '../configured-file.ts';
import { nanosOf } from '../metric.ts';
import { type Batch, PartialFault, type Publisher, type PublisherContext, type PublisherKind } from '../publisher.ts';
import { type PostgresParameters, summary } from './schema.ts';
import { sqlFault } from './sql-fault.ts';
import { type Table, tableOf } from './tables.ts';

/**
 * One `INSERT … SELECT FROM unnest(…) ON CONFLICT DO NOTHING` per batch, its own transaction: the batch is there whole or not at all, and what was
 * there before stays as it was. Accepted means committed, with whatever `synchronous_commit` promises.
 */
export const postgres: PublisherKind<PostgresParameters> = {
  name: 'postgres',
  summary,
  open: async (parameters, context) => new PostgresPublisher(parameters, context),
};

class PostgresPublisher implements Publisher {
  readonly #parameters: PostgresParameters;
  readonly #context: PublisherContext;
  readonly #name: string;
  readonly #table: Table;
  #client: Client | undefined;
  #isThere = false;

  constructor(parameters: PostgresParameters, context: PublisherContext) {
    this.#parameters = parameters;
    this.#context = context;
    this.#name = parameters.table ?? context.kind;
    this.#table = tableOf(context.kind, this.#name);
  }

  async publish(batch: Batch, signal: AbortSignal): Promise<void> {
    // PostgreSQL would take `yesterday`, and mean another day each time.
    const refused = new Map<number, string>();
    const items = batch.items.filter((item, index) => {
      const time = isEvent(item) ? item.generated : item.timestamp;
      if (nanosOf(time) === null) refused.set(index, `${time} is no time`);
      return !refused.has(index);
    });
    const columns = this.#table.columns(items);
    const { hand } = this.#context;
    if (hand !== undefined)
      for (const row of this.#table.rows(columns)) await hand({ to: { table: this.#name }, body: printJson(row) });
    else await this.#insert(columns, signal);
    if (refused.size > 0) throw new PartialFault(refused);
  }

  /** Nothing to insert shows all the same that the table is there. */
  async #insert(columns: (string | null)[][], signal: AbortSignal): Promise<void> {
    await this.#use(signal, async (client) => {
      await this.#makeSure(client);
      if ((columns[0]?.length ?? 0) > 0) await client.query(this.#table.insert, columns);
    });
  }

  async probe(signal: AbortSignal): Promise<void> {
    await this.#use(signal, async (client) => {
      const found = await client.query<{ there: string | null; may: boolean | null }>(
        `SELECT to_regclass($1)::text AS there, has_table_privilege(to_regclass($1), 'INSERT') AS may`,
        [this.#name],
      );
      const [row] = found.rows;
      if (row?.there === null && !this.#parameters.create_table)
        throw new Fault('retryable', 'postgres_no_table', `there is no table ${this.#name}, and create_table is off`);
      if (row?.may === false) throw new Fault('retryable', 'postgres_no_right', `no right to insert into ${this.#name}`);
    });
  }

  async close(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    if (client !== undefined) await orLate(this.#context.clock, 1_000, client.end(), undefined).catch(() => undefined);
  }

  async #use(signal: AbortSignal, work: (client: Client) => Promise<void>): Promise<void> {
    signal.throwIfAborted();
    const { timeout_ms: timeoutMs } = this.#parameters;
    const late = Symbol('late');
    try {
      const client = await orAborted(this.#connect(), signal);
      if ((await orAborted(orLate<void, symbol>(this.#context.clock, timeoutMs, work(client), late), signal)) === late)
        throw new Fault('retryable', 'postgres_timeout', `PostgreSQL: no answer within ${timeoutMs} ms`);
    } catch (error) {
      const fault = signal.aborted ? undefined : sqlFault(error);
      // After a refusal the connection is as good as before; after anything else nobody knows what is still on its way.
      if (fault?.class !== 'poison') this.#drop();
      throw fault ?? signal.reason;
    }
  }

  async #connect(): Promise<Client> {
    if (this.#client !== undefined) return this.#client;
    const { url, password_file: file, tls, timeout_ms: timeoutMs } = this.#parameters;
    const read = (path: string) => readConfigured(path, this.#context.baseDir);
    const client = new Client({
      connectionString: url,
      ...(file === undefined ? {} : { password: (await read(file)).trim() }),
      ...(tls === undefined ? {} : { ssl: await tlsOptions(tls, read) }),
      connectionTimeoutMillis: timeoutMs,
      statement_timeout: timeoutMs,
      application_name: `ceilograph ${this.#context.sink}/${this.#context.name}`,
      keepAlive: true,
    });
    client.on('error', () => this.#forget(client)); // told to whoever asks next
    client.on('end', () => this.#forget(client));
    this.#client = client;
    await client.connect();
    return client;
  }

  /** Somebody else may create it at the same moment; the loser's next try finds it. */
  async #makeSure(client: Client): Promise<void> {
    if (this.#isThere || !this.#parameters.create_table) return;
    const found = await client.query<{ there: string | null }>('SELECT to_regclass($1)::text AS there', [this.#name]);
    if (found.rows[0]?.there === null) {
      for (const statement of this.#table.create)
        await client.query(statement).catch((error: unknown) => {
          const { message } = sqlFault(error);
          throw new Fault('retryable', 'postgres_create', message, { cause: error });
        });
    }
    this.#isThere = true;
  }

  #forget(client: Client): void {
    if (this.#client !== client) return;
    this.#client = undefined;
    this.#isThere = false;
  }

  #drop(): void {
    const client = this.#client;
    if (client === undefined) return;
    this.#forget(client);
    (client as unknown as { connection?: { stream?: { destroy(): void } } }).connection?.stream?.destroy();
  }
}
