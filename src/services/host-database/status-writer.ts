import type { Client } from 'pg';
import { factsIn } from '../../core/liveness/lots.ts';
import { orAborted } from '../../lib/or-aborted.ts';
import { isEvent } from '../../model/item.ts';
import { PartialFault, type Publisher } from '../../publishers/publisher.ts';
import { connect, databaseFault, type HostDatabase } from './connect.ts';

/**
 * Writes the status of a host back to where hosts are kept, once per change and in order: `$1` host, `$2` status, `$3` since, `$4` reason. The
 * statement names the columns, so nothing else that an operator edits is touched. One that comes again sets the same once more.
 */
export function statusWriter(database: HostDatabase, statement: string): Publisher {
  let client: Client | null = null;
  const leave = async () => {
    const left = client;
    client = null;
    await left?.end().catch(() => undefined); // it was of no use any more
  };
  return {
    publish: async (batch, signal) => {
      const refused = new Map<number, string>();
      const facts = batch.items.flatMap((item, index) =>
        isEvent(item) ? factsIn(item).map((fact) => [index, fact] as const) : [],
      );
      for (const [index, { kind, host, status, at, reason }] of facts) {
        if (kind !== 'state') continue;
        try {
          client ??= await orAborted(connect(database), signal);
          const values = [host, status, new Date(at).toISOString(), reason];
          await orAborted(client.query(statement, values), signal);
        } catch (error) {
          const fault = databaseFault(error);
          if (signal.aborted || fault.class !== 'poison') {
            await leave();
            throw signal.aborted ? signal.reason : fault;
          }
          refused.set(index, fault.message);
        }
      }
      if (refused.size > 0) throw new PartialFault(refused);
    },
    probe: async () => undefined,
    close: leave,
  };
}
