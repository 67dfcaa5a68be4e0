import type { Clock } from '../../lib/clock.ts';
import type { LmdbEnvironment } from '../../lib/lmdb-environment.ts';
import { classify, Fault } from '../../model/faults.ts';
import { type Appender, custodyLost, type PartitionRef, partitionName } from '../topic.ts';
import type { PartitionLog } from './partition-log.ts';
import type { WakeUps } from './wake-ups.ts';

type Batch = readonly { readonly partition: PartitionRef; readonly bytes: Uint8Array }[];

/** `since` is the moment the wait began, epoch ms; null when it is over. */
export type OnBounded = (partition: PartitionRef, since: number | null) => void;

const always = () => true;
/** Another try changes nothing. */
const hopeless = new Set(['no_topic', 'custody_lost']);
const firstWaitMs = 5;
const longestWaitMs = 250;

/** One transaction per batch, one batch after the other: a later one is never confirmed before an earlier one. */
export class EmbeddedAppender implements Appender {
  readonly #environment: LmdbEnvironment;
  readonly #log: PartitionLog;
  readonly #wakeUps: WakeUps;
  readonly #clock: Clock;
  readonly #onBounded: OnBounded;
  #last: Promise<unknown> = Promise.resolve();

  constructor(environment: LmdbEnvironment, log: PartitionLog, wakeUps: WakeUps, clock: Clock, onBounded: OnBounded) {
    this.#environment = environment;
    this.#log = log;
    this.#wakeUps = wakeUps;
    this.#clock = clock;
    this.#onBounded = onBounded;
  }

  async append(entries: Batch, signal: AbortSignal, mayGo = always): Promise<void> {
    const turn = this.#inTurn(this.#last, entries, signal, mayGo);
    this.#last = turn;
    await turn;
  }

  async close(): Promise<void> {
    await Promise.allSettled([this.#last]);
  }

  async #inTurn(previous: Promise<unknown>, batch: Batch, signal: AbortSignal, mayGo: () => boolean): Promise<void> {
    // What failed before us has told its own caller, who sends it again after this one: the reader waits for the gap to fill.
    await Promise.allSettled([previous]);
    for (let waitMs = firstWaitMs; ; waitMs = Math.min(2 * waitMs, longestWaitMs)) {
      this.#requireOpen();
      signal.throwIfAborted();
      if (await this.#tryAppend(batch, signal, mayGo)) return;
      await this.#clock.sleep(waitMs, signal);
    }
  }

  /** False when it is worth another try: a full disk may be emptied. */
  async #tryAppend(batch: Batch, signal: AbortSignal, mayGo: () => boolean): Promise<boolean> {
    const refs = batch.map(({ partition }) => partition);
    await this.#untilBelowBound(refs, signal);
    try {
      const refused = await this.#environment.transact(() => {
        if (!mayGo()) throw custodyLost();
        return this.#log.appendInTransaction(batch, this.#clock.now());
      });
      if (refused !== null) return false;
    } catch (error) {
      const fault = classify(error);
      if (fault.class !== 'retryable' || hopeless.has(fault.code)) throw fault;
      return false;
    }
    this.#wakeUps.wake(refs.map(partitionName));
    return true;
  }

  async #untilBelowBound(refs: readonly PartitionRef[], signal: AbortSignal): Promise<void> {
    let waiting: { readonly partition: PartitionRef; readonly since: number } | null = null;
    try {
      for (let waitMs = firstWaitMs; ; waitMs = Math.min(2 * waitMs, longestWaitMs)) {
        this.#requireOpen();
        this.#log.refresh();
        const full = this.#log.fullOne(refs);
        if (full === null) return;
        if (waiting === null) {
          waiting = { partition: full, since: this.#clock.now() };
          this.#onBounded(full, waiting.since);
        }
        await this.#clock.sleep(waitMs, signal);
      }
    } finally {
      if (waiting !== null) this.#onBounded(waiting.partition, null);
    }
  }

  #requireOpen(): void {
    if (this.#wakeUps.closed) throw new Fault('retryable', 'closed', 'the topics are closed');
  }
}
