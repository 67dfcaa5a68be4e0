import type { Clock } from '../lib/clock.ts';
import { endsWithin } from '../lib/or-late.ts';

/**
 * The order of leaving, here and nowhere else:
 *
 *     inputs take no more → listeners finish what they took → workers drain and release their partitions, on purpose, so that peers
 *     need not wait → lanes stop → publishers, topics, stores close
 *
 * Three quarters of the time go to the gentle phase; then `hard` cuts what still hangs, and it is named.
 */
export interface Phase {
  readonly name: string;
  readonly end: () => Promise<void>;
}

/** Whatever hangs, it is over after `drainMs`. Returns what failed or did not end in time. */
export async function leaveInOrder(
  phases: readonly Phase[],
  hard: AbortController,
  drainMs: number,
  clock: Clock,
): Promise<readonly string[]> {
  const hung = new Set<string>();
  const begun = clock.monotonic();
  const endsUntil = (ended: Promise<void>, atMs: number): Promise<boolean> =>
    endsWithin(clock, Math.max(0, begun + atMs - clock.monotonic()), ended);
  for (const phase of phases) {
    const ended = phase.end().catch((error: unknown) => {
      hung.add(`${phase.name}: ${error instanceof Error ? error.message : String(error)}`);
    });
    if (await endsUntil(ended, drainMs * 0.75)) continue;
    if (!hard.signal.aborted) {
      hung.add(phase.name);
      hard.abort(new Error('the time to drain is over'));
    }
    if (!(await endsUntil(ended, drainMs))) hung.add(phase.name);
  }
  return [...hung];
}
