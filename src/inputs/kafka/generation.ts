import type { Consumer, TopicPartitionOffset } from 'kafkajs';
import { kafkaVerdict } from '../../lib/kafka-client.ts';
import { Fault } from '../../model/faults.ts';
import { SettledOffsets } from './settled-offsets.ts';

interface Partition {
  readonly topic: string;
  readonly partition: number;
  readonly offsets: SettledOffsets;
  committed: number | undefined;
}

/**
 * What this member was assigned from one joining of the group to the next, and how far it is. Once it has `ended` nothing of it is committed
 * any more: the partitions may be another's by now, and Kafka would take our smaller offset for his.
 */
export class Generation {
  readonly #consumer: Consumer;
  readonly #partitions = new Map<string, Partition>();
  readonly #lost = new AbortController();
  #committing: Promise<void> = Promise.resolve();
  #scheduled = false;

  constructor(consumer: Consumer) {
    this.#consumer = consumer;
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  handed(topic: string, partition: number, offset: number): void {
    this.#of(topic, partition).offsets.handed(offset);
  }

  /** Commits by and by, many in one request. */
  settle(topic: string, partition: number, offset: number): void {
    this.#of(topic, partition).offsets.settle(offset);
    if (this.#scheduled || this.#lost.signal.aborted) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      // Named again by the next commit; whoever needs to know asks by `prove`.
      this.commit().catch(() => undefined);
    });
  }

  /** Resolves when the group's offsets are what was settled before the call. Throws a Fault. */
  async commit(): Promise<void> {
    const before = this.#committing;
    const mine = (async () => {
      await Promise.allSettled([before]);
      await this.#commitOnce();
    })();
    this.#committing = mine;
    await mine;
  }

  /** True when something handed out is not known to be committed: it may come again, here or elsewhere. */
  end(reason: unknown): boolean {
    if (!this.#lost.signal.aborted) this.#lost.abort(reason);
    return [...this.#partitions.values()].some(
      ({ offsets, committed }) => offsets.end !== undefined && offsets.end !== committed,
    );
  }

  async #commitOnce(): Promise<void> {
    if (this.#lost.signal.aborted) throw this.#lost.signal.reason;
    const due: { readonly held: Partition; readonly offset: number }[] = [];
    for (const held of this.#partitions.values()) {
      const offset = held.offsets.committable;
      if (offset !== undefined && offset !== held.committed) due.push({ held, offset });
    }
    if (due.length === 0) return;
    const offsets = due.map(
      ({ held: { topic, partition }, offset }): TopicPartitionOffset => ({ topic, partition, offset: String(offset) }),
    );
    try {
      await this.#consumer.commitOffsets(offsets);
    } catch (thrown) {
      const verdict = kafkaVerdict(thrown, 'committing offsets');
      throw new Fault('retryable', verdict.code, verdict.text, { cause: thrown });
    }
    // kafkajs answers a consumer that has stopped as if all was well.
    if (this.#lost.signal.aborted) throw this.#lost.signal.reason;
    for (const { held, offset } of due) held.committed = offset;
  }

  #of(topic: string, partition: number): Partition {
    const key = `${topic}/${partition}`;
    const known = this.#partitions.get(key) ?? { topic, partition, offsets: new SettledOffsets(), committed: undefined };
    this.#partitions.set(key, known);
    return known;
  }
}
