import type { LmdbEnvironment } from '../../lib/lmdb-environment.ts';
import { type PartitionRef, partitionName } from '../topic.ts';
import type { PartitionLog } from './partition-log.ts';

/** Settles in one transaction what was asked for while the last one was written: one flush for all partitions of the process. */
export class Settlements {
  readonly #environment: LmdbEnvironment;
  readonly #log: PartitionLog;
  #asked = new Map<string, { readonly ref: PartitionRef; readonly offset: number }>();
  #running: Promise<void> = Promise.resolve();
  #next: Promise<void> | null = null;

  constructor(environment: LmdbEnvironment, log: PartitionLog) {
    this.#environment = environment;
    this.#log = log;
  }

  settle(ref: PartitionRef, offset: number): Promise<void> {
    const name = partitionName(ref);
    const asked = this.#asked.get(name);
    if (asked === undefined || asked.offset < offset) this.#asked.set(name, { ref, offset });
    this.#next ??= this.#after(this.#running);
    return this.#next;
  }

  async drained(): Promise<void> {
    await (this.#next ?? this.#running);
  }

  async #after(previous: Promise<void>): Promise<void> {
    await Promise.allSettled([previous]);
    const settlements = [...this.#asked.values()];
    this.#asked = new Map();
    this.#next = null;
    const write = this.#environment.transact(() => {
      for (const { ref, offset } of settlements) this.#log.settleInTransaction(ref, offset);
    });
    this.#running = write;
    await write;
  }
}
