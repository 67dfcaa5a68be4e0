import { readFile } from 'node:fs/promises';
import { Client } from 'pg';
import { Fault } from '../../model/faults.ts';

/** Where the hosts are kept. The password file wins over what stands in the URL. */
export interface HostDatabase {
  readonly url: string;
  readonly passwordFile: string | null;
}

const answerMs = 30_000;

export async function connect({ url, passwordFile }: HostDatabase): Promise<Client> {
  const client = new Client({
    connectionString: url,
    ...(passwordFile === null ? {} : { password: (await readFile(passwordFile, 'utf8')).trim() }),
    connectionTimeoutMillis: answerMs,
    statement_timeout: answerMs,
    query_timeout: answerMs,
    application_name: 'ceilograph liveness',
    keepAlive: true,
  });
  client.on('error', () => undefined); // told to whoever asks next
  await client.connect();
  return client;
}

/** Poison for values that will never be taken (SQLSTATE 22, 23); all else may be healed by time or an operator. */
export function databaseFault(error: unknown): Fault {
  if (error instanceof Fault) return error;
  const { code, message } = error as { readonly code?: unknown; readonly message?: unknown };
  const state = typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : null;
  const isPoison = state !== null && /^2[23]/.test(state);
  const text = `PostgreSQL${state === null ? '' : ` ${state}`}: ${String(message)}`;
  return new Fault(isPoison ? 'poison' : 'retryable', 'host_database', text, { cause: error });
}
