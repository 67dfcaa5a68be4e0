import type { Clock } from '../lib/clock.ts';
import { retryLoop } from '../lib/retry-loop.ts';
import { classify } from '../model/faults.ts';

/**
 * Tries what must be done before anything else may go on, until it is: a full disk will be emptied, a lost reply is asked for again.
 * Throws what no further try can mend, and the signal's reason.
 */
export function insist<T>(clock: Clock, signal: AbortSignal, attempt: () => Promise<T>): Promise<T> {
  const retryable = (thrown: unknown) => (classify(thrown).class === 'retryable' ? 0 : undefined);
  // No jitter: nobody else waits for the same disk of ours.
  return retryLoop({ clock, random: () => 1, signal, baseMs: 10, capMs: 1_000, retryable }, attempt);
}
