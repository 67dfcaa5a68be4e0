import type { Clock } from '../../lib/clock.ts';
import { Fault } from '../../model/faults.ts';
import { type Attachment, type PartitionRef, partitionName, type Received } from '../topic.ts';
import type { PartitionLog } from './partition-log.ts';
import type { Settlements } from './settlements.ts';
import type { WakeUps } from './wake-ups.ts';

/** Reads on from a place in the log. Nothing is handed out twice within one attachment, and nothing is lost by closing it. */
export class EmbeddedAttachment implements Attachment {
  readonly #ref: PartitionRef;
  readonly #log: PartitionLog;
  readonly #wakeUps: WakeUps;
  readonly #settlements: Settlements;
  readonly #clock: Clock;
  #next: number;
  #closed = false;

  constructor(ref: PartitionRef, from: number, log: PartitionLog, wakeUps: WakeUps, settlements: Settlements, clock: Clock) {
    this.#ref = ref;
    this.#next = from;
    this.#log = log;
    this.#wakeUps = wakeUps;
    this.#settlements = settlements;
    this.#clock = clock;
  }

  async read(max: number, waitMs: number, signal: AbortSignal): Promise<readonly Received[]> {
    // A reader that was waiting gets an empty answer; one that asks again must not turn in circles.
    if (this.#closed || this.#wakeUps.closed) throw new Fault('retryable', 'closed', 'the topics are closed');
    const until = this.#clock.monotonic() + waitMs;
    for (;;) {
      signal.throwIfAborted();
      if (this.#closed || this.#wakeUps.closed) return [];
      this.#log.refresh();
      // The count first: an append between the two reads then ends the wait at once instead of being slept over.
      const count = this.#log.appendCount();
      const received = this.#log.read(this.#ref, this.#next, max);
      const last = received.at(-1);
      if (last !== undefined) {
        this.#next = last.offset + 1;
        return received;
      }
      this.#log.record(this.#ref);
      const left = until - this.#clock.monotonic();
      if (left <= 0) return [];
      await this.#wakeUps.wait(partitionName(this.#ref), count, left, signal);
    }
  }

  settle(offset: number): Promise<void> {
    return this.#settlements.settle(this.#ref, offset);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#wakeUps.wake([partitionName(this.#ref)]);
  }
}
