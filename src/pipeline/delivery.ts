import { abandoned, ask, type Breaker, closedBreaker, failed, succeeded } from '../core/fault/breaker.ts';
import { decideRetry, defaultRetryPolicy } from '../core/fault/decide.ts';
import { classify, type Fault } from '../model/faults.ts';
import { type Batch, PartialFault } from '../publishers/publisher.ts';
import { makeBatch } from './batch.ts';
import { bury } from './bury.ts';
import type { LaneOptions } from './lane.ts';
import { type Tell, tellAbout } from './tell.ts';

export interface DeliveryStatus {
  readonly breaker: Breaker['kind'];
  /** Failed tries of the batch under way. */
  readonly failures: number;
  readonly lastError: string | null;
}

type Verdict = 'accepted' | PartialFault | { readonly fault: Fault; readonly reason: string };

/**
 * Brings one batch to its end: accepted or dead letters. A retryable fault is tried again behind the breaker, for ever unless the
 * policy says otherwise. A poison batch is cut in halves until the bad item stands alone: it becomes a dead letter, its neighbours
 * arrive. Throws a fatal or fenced Fault of the publisher, and the signal's reason.
 */
export class Delivery {
  readonly #options: LaneOptions;
  readonly #tell: Tell;
  #breaker: Breaker = closedBreaker;
  #failures = 0;
  #lastError: string | null = null;

  constructor(options: LaneOptions) {
    this.#options = options;
    this.#tell = tellAbout(options);
  }

  status(): DeliveryStatus {
    return { breaker: this.#breaker.kind, failures: this.#failures, lastError: this.#lastError };
  }

  async deliver(batch: Batch, firstSeen: number, hard: AbortSignal): Promise<void> {
    const verdict = await this.#tryUntilDecided(batch, hard);
    if (verdict === 'accepted') return;
    if (verdict instanceof PartialFault) {
      const refused = [...verdict.failed].flatMap(([index, why]) => {
        const item = batch.items[index];
        return item === undefined ? [] : [{ item, message: why }];
      });
      await bury(this.#options, refused, 'refused', firstSeen, verdict, hard);
      return;
    }
    const { fault, reason } = verdict;
    if (fault.class === 'poison' && batch.count > 1) {
      const middle = batch.items.length >> 1;
      // Halves carry `replay`: the target may have taken a part before it refused.
      for (const [from, to] of [
        [0, middle],
        [middle, batch.count],
      ] as const) {
        const half = makeBatch(batch.items.slice(from, to), this.#options.codec, true, undefined, batch.traces?.slice(from, to));
        await this.deliver(half, firstSeen, hard);
      }
      return;
    }
    const letters = batch.items.map((item) => ({ item, message: fault.message }));
    await bury(this.#options, letters, reason, firstSeen, fault, hard);
  }

  async #tryUntilDecided(first: Batch, hard: AbortSignal): Promise<Verdict> {
    const { clock, random, publisher, retry = defaultRetryPolicy } = this.#options;
    let batch = first;
    for (;;) {
      await this.#passBreaker(hard);
      const startedAt = clock.monotonic();
      try {
        await publisher.publish(batch, hard);
        this.#succeeded();
        const seconds = (clock.monotonic() - startedAt) / 1000;
        this.#tell('publish:accepted', { items: batch.count, bytes: batch.bytes, seconds });
        return 'accepted';
      } catch (error) {
        if (hard.aborted) {
          this.#breaker = abandoned(this.#breaker, clock.monotonic());
          throw error;
        }
        if (error instanceof PartialFault) {
          this.#succeeded();
          return error;
        }
        const fault = classify(error);
        this.#failures += 1;
        this.#lastError = `${fault.code}: ${fault.message}`;
        const decision = decideRetry(fault, this.#failures, random(), retry);
        if (decision.kind === 'stop') throw fault;
        if (decision.kind === 'dead-letter') {
          // A refusal is an answer: the target lives.
          if (fault.class === 'poison') this.#succeeded();
          this.#failures = 0;
          return { fault, reason: decision.reason };
        }
        this.#failed();
        this.#tell('publish:retry', { attempt: this.#failures, retryInMs: decision.inMs, error: fault });
        await clock.sleep(decision.inMs, hard);
        batch = { ...first, replay: true };
      }
    }
  }

  async #passBreaker(hard: AbortSignal): Promise<void> {
    for (;;) {
      const { breaker, waitMs } = ask(this.#breaker, this.#options.clock.monotonic());
      this.#breaker = breaker;
      if (waitMs === 0) return;
      await this.#options.clock.sleep(waitMs, hard);
    }
  }

  #succeeded(): void {
    if (this.#breaker.kind !== 'closed') this.#tell('breaker:closed', { open: 0 });
    this.#breaker = succeeded(this.#breaker);
    this.#failures = 0;
  }

  #failed(): void {
    this.#breaker = failed(this.#breaker, this.#options.clock.monotonic());
    if (this.#breaker.kind === 'open') this.#tell('breaker:opened', { openMs: this.#breaker.openMs });
  }
}
