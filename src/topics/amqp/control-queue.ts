import { z } from 'zod';
import type { ControlLog, ControlRecord } from '../../coordination/control-log.ts';
import { exchangeOf } from './partition-queue.ts';
import { RecordQueue } from './record-queue.ts';
import type { RecordQueueOptions } from './record-session.ts';

const Layout = z.object({
  generation: z.int(),
  partitions: z.int(),
  partitionBy: z.array(z.string()),
  uuid: z.string(),
});
const Control = z.object({
  clusterId: z.string(),
  incarnation: z.int(),
  epochFloor: z.int(),
  layouts: z.record(z.string(), Layout),
});

/** The control record of a cluster, in the queue `cg.<cluster>.control`. */
export class ControlQueue implements ControlLog {
  readonly #records: RecordQueue<ControlRecord>;

  constructor(cluster: string, options: Omit<RecordQueueOptions, 'exchange' | 'queue'>) {
    this.#records = new RecordQueue({ ...options, exchange: exchangeOf(cluster), queue: controlQueueName(cluster) }, (value) =>
      Control.parse(value),
    );
  }

  read(): Promise<ControlRecord | null> {
    return this.#records.read();
  }

  update(change: (current: ControlRecord | null) => ControlRecord): Promise<ControlRecord> {
    return this.#records.update(change);
  }

  /** Nothing is kept open between two calls. */
  async close(): Promise<void> {}
}

export function controlQueueName(cluster: string): string {
  return `cg.${cluster}.control`;
}
