import type { Clock } from '../lib/clock.ts';

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

export async function leaveInOrder(
  phases: readonly Phase[],
  hard: AbortController,
  drainMs: number,
  clock: Clock,
): Promise<readonly string[]> {
  const hung: string[] = [];
  const deadline = clock.monotonic() + drainMs * 0.75;
  for (const phase of phases) {
    const left = Math.max(0, deadline - clock.monotonic());
    const over = new AbortController();
    const ended = phase.end().then(
      () => 'ended' as const,
      (error: unknown) => {
        hung.push(`${phase.name}: ${error instanceof Error ? error.message : String(error)}`);
        return 'ended' as const;
      },
    );
    const late = clock.sleep(left, over.signal).then(
      () => 'late' as const,
      () => 'ended' as const,
    );
    if ((await Promise.race([ended, late])) === 'late') {
      hung.push(phase.name);
      hard.abort(new Error('the time to drain is over'));
      await Promise.race([ended, clock.sleep(drainMs * 0.25)]);
    }
    over.abort(new Error('over'));
  }
  return hung;
}
