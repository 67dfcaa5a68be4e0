import type { Clock } from './clock.ts';

export interface Backoff {
  readonly baseMs: number;
  readonly capMs: number;
}

/**
 * Full jitter: anywhere between nothing and the exponential bound, so that many clients of one restarted server spread out.
 *
 * | attempt (from 0) | bound with base 250, cap 30000 |
 * |------------------|--------------------------------|
 * | 0, 1, 2, 3       | 250, 500, 1000, 2000 ms        |
 * | 7 and later      | 30000 ms                       |
 */
export function fullJitterMs(attempt: number, random: () => number, { baseMs, capMs }: Backoff): number {
  return Math.round(random() * Math.min(capMs, baseMs * 2 ** Math.min(attempt, 30)));
}

export interface RetryLoop extends Backoff {
  readonly clock: Clock;
  readonly random: () => number;
  readonly signal: AbortSignal;
  /** The least pause before another attempt, or `undefined`: trying again is useless, throw it on. */
  readonly retryable: (thrown: unknown) => number | undefined;
  /** Told before each pause; may throw to give up. */
  readonly onRetry?: (thrown: unknown, attempt: number, retryInMs: number) => void;
}

/** Runs `attempt` until it returns. What is not retryable is thrown on as it is; an abort ends the loop with the signal's reason. */
export async function retryLoop<T>(loop: RetryLoop, attempt: (number: number) => Promise<T>): Promise<T> {
  for (let number = 0; ; number++) {
    loop.signal.throwIfAborted();
    try {
      return await attempt(number);
    } catch (thrown) {
      loop.signal.throwIfAborted();
      const atLeastMs = loop.retryable(thrown);
      if (atLeastMs === undefined) throw thrown;
      const retryInMs = Math.max(atLeastMs, fullJitterMs(number, loop.random, loop));
      loop.onRetry?.(thrown, number, retryInMs);
      await loop.clock.sleep(retryInMs, loop.signal);
    }
  }
}
