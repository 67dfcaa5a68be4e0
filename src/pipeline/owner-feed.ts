import type { Clock } from '../lib/clock.ts';
import type { DataEntry } from '../model/entry.ts';
import { printEntry } from '../model/entry.ts';
import type { Item } from '../model/item.ts';
import { type Appender, type PartitionRef, partitionName } from '../topics/topic.ts';
import { Sequencer } from './sequencer.ts';

/**
 * What an owner tells its own partitions, behind the data that came before it, as it tells them the time: numbered and applied once like
 * anything a listener appends.
 */
export class OwnerFeed {
  readonly #appender: Appender;
  readonly #sequencer: Sequencer;
  readonly #clock: Clock;
  readonly #name: string;
  #sent = 0;

  /** `name` is unique for ever: it holds the boot. */
  constructor(name: string, appender: Appender, clock: Clock) {
    this.#name = name;
    this.#appender = appender;
    this.#sequencer = new Sequencer(name);
    this.#clock = clock;
  }

  /**
   * Resolves once it is durable. Call again only then. Rejects when the signal aborts: some of it may be there.
   * `canaries` speak for feeds of which everything stands before them.
   */
  async send(
    partition: PartitionRef,
    items: readonly Item[],
    signal: AbortSignal,
    canaries: DataEntry['canaries'] = [],
  ): Promise<void> {
    const at = this.#clock.now();
    const entries: DataEntry[] = [];
    const next = (chunk: readonly Item[], last: boolean) => {
      this.#sent += 1;
      const parts = chunk.length === 0 ? [] : [{ id: `${this.#name}/${this.#sent}`, items: chunk }];
      entries.push(this.#sequencer.next(partitionName(partition), at, parts, last ? canaries : []));
    };
    for (let start = 0; start < items.length || start === 0; start += atOnce)
      next(items.slice(start, start + atOnce), start + atOnce >= items.length);
    try {
      await this.#appender.append(
        entries.map((entry) => ({ partition, bytes: encoder.encode(printEntry(entry)) })),
        signal,
      );
    } catch (error) {
      this.#sequencer.renew();
      throw error;
    }
    this.#sequencer.proved(this.#sequencer.snapshot());
  }

  close(): Promise<void> {
    return this.#appender.close();
  }
}

const encoder = new TextEncoder();
const atOnce = 250;
