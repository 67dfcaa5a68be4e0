import type { Clock } from '../../lib/clock.ts';
import type { FetchedMessage } from '../../lib/kafka-client.ts';
import type { KeyRing } from '../../lib/key-ring.ts';
import { Fault } from '../../model/faults.ts';
import { type Attachment, type PartitionRef, partitionName, type Received } from '../topic.ts';
import type { Reader, Reading } from './reader.ts';
import { whyUnsealed } from './seal.ts';
import { topicOf } from './topic-life.ts';

export interface AttachmentDeps {
  readonly reader: Reader;
  readonly keys: KeyRing;
  readonly clock: Clock;
  /** So long an entry that is surely there may keep us waiting. */
  readonly giveUpMs: number;
  readonly settle: (ref: PartitionRef, offset: number) => void;
  readonly onSize: (partition: string, bytes: number) => void;
  readonly onRefused: (partition: string, why: string) => void;
  readonly onClosed: () => void;
}

const heldBytes = 2 * 1024 * 1024;

/** Reads on from a place in the log. Nothing is handed out twice within one attachment, and nothing is lost by closing it. */
export class KafkaAttachment implements Attachment, Reading {
  readonly topic: string;
  readonly partition: number;
  readonly name: string;
  readonly #ref: PartitionRef;
  readonly #deps: AttachmentDeps;
  readonly #prefetch: number;
  /** Up to here there were entries when we came: they must come, however slow Kafka is, or we would think the log shorter than it is. */
  readonly #surely: number;
  #next: number;
  #held: FetchedMessage[] = [];
  #heldBytes = 0;
  #first = true;
  #failure: Fault | null = null;
  #closed = false;
  #wake: () => void = () => undefined;

  constructor(ref: PartitionRef, from: number, surely: number, prefetch: number, deps: AttachmentDeps) {
    this.topic = topicOf(ref);
    this.partition = ref.partition;
    this.name = partitionName(ref);
    this.#ref = ref;
    this.#next = from;
    this.#surely = surely;
    this.#prefetch = prefetch;
    this.#deps = deps;
  }

  get next(): number {
    return this.#next;
  }

  get hungry(): boolean {
    return !this.#closed && this.#held.length < this.#prefetch && this.#heldBytes < heldBytes;
  }

  take(messages: readonly FetchedMessage[]): void {
    for (const message of messages) {
      const bytes = message.value?.length ?? 0;
      this.#held.push(message);
      this.#heldBytes += bytes;
      this.#next = Number(message.offset) + 1;
      this.#deps.onSize(this.name, bytes);
    }
    this.#wake();
  }

  fail(fault: Fault): void {
    this.#failure = fault;
    this.#wake();
  }

  async read(max: number, waitMs: number, signal: AbortSignal): Promise<readonly Received[]> {
    if (this.#closed) throw new Fault('retryable', 'closed', 'the topics are closed');
    const { clock, giveUpMs } = this.#deps;
    const until = clock.monotonic() + (this.#first && this.#next < this.#surely ? Math.max(waitMs, giveUpMs) : waitMs);
    for (;;) {
      signal.throwIfAborted();
      if (this.#held.length > 0) return this.#hand(max);
      if (this.#failure !== null) throw this.#failure;
      if (this.#closed) return [];
      const left = until - clock.monotonic();
      if (left <= 0) break;
      await this.#somethingHappens(left, signal);
    }
    if (this.#first && this.#next < this.#surely)
      throw new Fault(
        'retryable',
        'kafka_silent',
        `${this.name} holds entries, and Kafka did not give them within ${giveUpMs} ms`,
      );
    return [];
  }

  async settle(offset: number): Promise<void> {
    this.#deps.settle(this.#ref, offset);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#deps.reader.remove(this);
    this.#deps.onClosed();
    this.#wake();
  }

  #hand(max: number): readonly Received[] {
    this.#first = false;
    const handed = this.#held.splice(0, max);
    for (const { value } of handed) this.#heldBytes -= value?.length ?? 0;
    this.#deps.reader.wake();
    return handed.map((message) => {
      const received = { offset: Number(message.offset), bytes: message.value ?? new Uint8Array(0), redelivered: false };
      const refused = whyUnsealed(this.#deps.keys, this.name, message);
      if (refused === null) return received;
      this.#deps.onRefused(this.name, refused);
      return { ...received, refused };
    });
  }

  async #somethingHappens(ms: number, signal: AbortSignal): Promise<void> {
    const over = new AbortController();
    const wake = () => over.abort();
    this.#wake = wake;
    signal.addEventListener('abort', wake, { once: true });
    try {
      await this.#deps.clock.sleep(ms, over.signal);
    } catch (error) {
      if (!over.signal.aborted) throw error;
    } finally {
      signal.removeEventListener('abort', wake);
    }
  }
}
