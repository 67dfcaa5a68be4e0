import { z } from 'zod';
import { type PartitionRef, partitionName } from '../topic.ts';
import { exchangeOf } from './partition-queue.ts';
import { RecordQueue } from './record-queue.ts';
import type { RecordQueueOptions } from './record-session.ts';

const Listed = z.object({ sink: z.string(), generation: z.int(), partition: z.int(), boundBytes: z.int() });
const Record = z.object({ partitions: z.array(Listed) });
type Listed = z.output<typeof Listed>;

export interface CatalogEntry {
  readonly ref: PartitionRef;
  readonly boundBytes: number;
}

/**
 * Which partitions of a cluster were created, in the queue `cg.<cluster>.catalog`: AMQP can neither list queues nor say with which
 * bound one was declared. A queue is declared before it is listed and removed before it is unlisted, so an agent that dies in between
 * leaves a queue too many or a line too many, which the next `create` or `retire` mends.
 */
export class Catalog {
  readonly #cluster: string;
  readonly #records: RecordQueue<{ readonly partitions: readonly Listed[] }>;

  constructor(cluster: string, options: Omit<RecordQueueOptions, 'exchange' | 'queue'>) {
    this.#cluster = cluster;
    this.#records = new RecordQueue({ ...options, exchange: exchangeOf(cluster), queue: `cg.${cluster}.catalog` }, (value) =>
      Record.parse(value),
    );
  }

  async read(): Promise<ReadonlyMap<string, CatalogEntry>> {
    return this.#entries((await this.#records.read())?.partitions ?? []);
  }

  /** `act` runs alone in the cluster; what it returns is added. */
  async add(act: (listed: ReadonlyMap<string, CatalogEntry>) => Promise<readonly CatalogEntry[]>): Promise<void> {
    await this.#change(async (entries) => {
      for (const entry of await act(entries)) entries.set(partitionName(entry.ref), entry);
    });
  }

  async remove(ref: PartitionRef): Promise<void> {
    await this.#change(async (entries) => {
      entries.delete(partitionName(ref));
    });
  }

  async #change(act: (entries: Map<string, CatalogEntry>) => Promise<void>): Promise<void> {
    await this.#records.update(async (current) => {
      const entries = this.#entries(current?.partitions ?? []);
      await act(entries);
      return {
        partitions: [...entries.values()].map(({ ref: { sink, generation, partition }, boundBytes }) => ({
          sink,
          generation,
          partition,
          boundBytes,
        })),
      };
    });
  }

  #entries(listed: readonly Listed[]): Map<string, CatalogEntry> {
    return new Map(
      listed.map(({ boundBytes, ...rest }) => {
        const ref = { cluster: this.#cluster, ...rest };
        return [partitionName(ref), { ref, boundBytes }];
      }),
    );
  }
}
