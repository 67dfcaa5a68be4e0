import type { Delivery, Input } from '../inputs/input.ts';
import type { Clock } from '../lib/clock.ts';
import { canaryBody, canaryEveryMs, ownCanaryOrigin } from './canary.ts';
import type { Intake } from './intake.ts';

/**
 * Sends a canary through the input every 5 s. Where the input cannot write to its own source, the listener's progress stands in: the
 * canary is put behind everything received so far, which proves less (a backlog in front of us looks like silence; docs/guarantees.md).
 */
export async function runCanaryLoop(
  name: string,
  input: Input,
  intake: Intake<Delivery>,
  clock: Clock,
  signal: AbortSignal,
  wanted: () => boolean = () => true,
): Promise<void> {
  while (!signal.aborted) {
    if (!wanted()) {
      await clock.sleep(canaryEveryMs, signal).catch(() => undefined);
      continue;
    }
    const body = canaryBody(name, clock.now());
    // A source that is away sends none, which is what a canary is for: partition time then stands still.
    const sent = await input.sendCanary(body).catch(() => true);
    if (!sent && !signal.aborted) {
      try {
        await intake.deliver([ownCanary(name, body)]);
      } catch {
        return; // the listener has left, or has failed and says so itself
      }
    }
    await clock.sleep(canaryEveryMs, signal).catch(() => undefined);
  }
}

function ownCanary(name: string, body: Uint8Array): Delivery {
  return {
    body,
    origin: ownCanaryOrigin(name),
    priority: 'info',
    redelivered: false,
    settle: () => undefined,
    giveBack: () => undefined,
  };
}
