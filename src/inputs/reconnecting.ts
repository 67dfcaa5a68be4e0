import { fullJitterMs } from '../lib/retry-loop.ts';
import type { Fault } from '../model/faults.ts';
import type { InputContext } from './input.ts';

const backoff = { baseMs: 500, capMs: 30_000 };
/** A connection that lived so long was a good one: the next loss begins with a short pause again. */
const steadyAfterMs = 10_000;

/**
 * One life of a connection after the other, with a pause between them, each loss told. `live` returns why a life ended when another one may do
 * better, and throws what is beyond mending. Ends only by throwing: that, or the reason of `stop`.
 */
export async function reconnecting(
  { clock, random, report }: InputContext,
  stop: AbortSignal,
  live: () => Promise<Fault>,
): Promise<never> {
  for (let attempt = 0; ; attempt++) {
    const startedAt = clock.monotonic();
    const fault = await live();
    stop.throwIfAborted();
    if (clock.monotonic() - startedAt >= steadyAfterMs) attempt = 0;
    const retryInMs = fullJitterMs(attempt, random, backoff);
    report({ kind: 'disconnected', detail: fault.message, retryInMs });
    await clock.sleep(retryInMs, stop);
  }
}
