import type { Fault } from '../../model/faults.ts';

export interface RetryPolicy {
  readonly baseMs: number;
  readonly capMs: number;
  /** Failed tries after which a retryable fault counts as poison; `null`: never. */
  readonly maxAttempts: number | null;
}

export const defaultRetryPolicy: RetryPolicy = { baseMs: 250, capMs: 30_000, maxAttempts: null };

export type Decision =
  | { readonly kind: 'retry'; readonly inMs: number }
  | { readonly kind: 'dead-letter'; readonly reason: string }
  /** Not ours to go on with: fatal ends the agent, fenced drops the work of this partition. */
  | { readonly kind: 'stop' };

/**
 * What to do after a failed try. `attempt` counts failures so far, this one included (from 1); `random` is in [0, 1).
 *
 * | failures | pause is anywhere up to (base 250, cap 30000) |
 * |----------|-----------------------------------------------|
 * | 1, 2, 3, 4 | 250, 500, 1000, 2000 ms                     |
 * | 8 and later | 30000 ms                                   |
 *
 * Full jitter: after an outage of a target its clients come back spread out, not in step. What the other side asked for
 * (`retryAfterMs`) is the least pause, whatever our cap, with a tenth of jitter on top.
 */
export function decideRetry(fault: Fault, attempt: number, random: number, policy: RetryPolicy = defaultRetryPolicy): Decision {
  switch (fault.class) {
    case 'fatal':
    case 'fenced':
      return { kind: 'stop' };
    case 'poison':
      return { kind: 'dead-letter', reason: fault.code };
    case 'retryable': {
      if (policy.maxAttempts !== null && attempt >= policy.maxAttempts)
        return { kind: 'dead-letter', reason: 'too_many_attempts' };
      const bound = Math.min(policy.capMs, policy.baseMs * 2 ** Math.min(attempt - 1, 30));
      const asked = fault.retryAfterMs ?? 0;
      return { kind: 'retry', inMs: Math.round(Math.max(random * bound, asked + random * 0.1 * asked)) };
    }
  }
}
