/**
 * A circuit breaker keeps a target that is down from being asked by every batch of every lane at once.
 *
 * - **closed**: everything may try. `threshold` failures in a row, with no success between, open it.
 * - **open**: nobody tries before `until`. Then the first who asks makes it half-open and is the probe. Anyone else's success or
 *   failure that was still under way counts as well: a success closes it, a failure leaves `until` as it is.
 * - **half-open**: the probe is under way and nobody else tries. Its success closes the breaker; its failure opens it again, for twice
 *   as long as before, up to `maxOpenMs`. A probe that was given up without an answer (`abandoned`) lets the next one try at once.
 *
 * Pure: `now` is handed in, every function gives the next state. Who wants no breaker between its own retries, since its backoff
 * already pauses (one lane, one batch in flight), still shows by it that the target is down (`breaker.kind` in `status`).
 */
export type Breaker =
  | { readonly kind: 'closed'; readonly failures: number }
  | { readonly kind: 'open'; readonly until: number; readonly openMs: number }
  | { readonly kind: 'half-open'; readonly openMs: number };

export interface BreakerPolicy {
  readonly threshold: number;
  readonly openMs: number;
  readonly maxOpenMs: number;
}

const defaultBreakerPolicy: BreakerPolicy = { threshold: 5, openMs: 1000, maxOpenMs: 30_000 };
export const closedBreaker: Breaker = { kind: 'closed', failures: 0 };

/** May the caller try now? If not, when to ask again. */
export function ask(breaker: Breaker, now: number): { readonly breaker: Breaker; readonly waitMs: number } {
  switch (breaker.kind) {
    case 'closed':
      return { breaker, waitMs: 0 };
    case 'open':
      if (now < breaker.until) return { breaker, waitMs: breaker.until - now };
      return { breaker: { kind: 'half-open', openMs: breaker.openMs }, waitMs: 0 };
    case 'half-open':
      return { breaker, waitMs: breaker.openMs };
  }
}

export function succeeded(_breaker: Breaker): Breaker {
  return closedBreaker;
}

export function failed(breaker: Breaker, now: number, policy: BreakerPolicy = defaultBreakerPolicy): Breaker {
  switch (breaker.kind) {
    case 'closed': {
      const failures = breaker.failures + 1;
      if (failures < policy.threshold) return { kind: 'closed', failures };
      return { kind: 'open', until: now + policy.openMs, openMs: policy.openMs };
    }
    case 'open':
      return breaker;
    case 'half-open': {
      const openMs = Math.min(breaker.openMs * 2, policy.maxOpenMs);
      return { kind: 'open', until: now + openMs, openMs };
    }
  }
}

/** The one who was let through went away without an answer (a shutdown). */
export function abandoned(breaker: Breaker, now: number): Breaker {
  return breaker.kind === 'half-open' ? { kind: 'open', until: now, openMs: breaker.openMs } : breaker;
}
