import type { Group, LeaseToken } from '../coordination/group.ts';
import type { Clock } from '../lib/clock.ts';
import { printEntry } from '../model/entry.ts';
import type { Appender, PartitionRef } from '../topics/topic.ts';

/**
 * The owner's clock for partitions that need time: every `tickMs` one tick entry per owned partition, through the topic like any
 * other entry, so that it stands behind the data that came before it. At most one is unconfirmed per partition; while one is, the
 * next is skipped, never queued: a backlog must not turn into a jump of time.
 */
export interface TickDeps {
  readonly group: Pick<Group, 'time'>;
  readonly appender: Appender;
  readonly clock: Clock;
  readonly tickMs: number;
  /** The partitions we own whose sink needs time. */
  readonly owned: () => readonly { readonly ref: PartitionRef; readonly token: LeaseToken }[];
}

export async function runTickLoop(deps: TickDeps, signal: AbortSignal): Promise<void> {
  const unconfirmed = new Set<string>();
  const encoder = new TextEncoder();
  while (!signal.aborted) {
    const at = Math.floor(await deps.group.time());
    for (const { ref, token } of deps.owned()) {
      if (unconfirmed.has(token.unit)) continue;
      unconfirmed.add(token.unit);
      const bytes = encoder.encode(printEntry({ kind: 'tick', incarnation: token.incarnation, epoch: token.epoch, at }));
      void deps.appender.append([{ partition: ref, bytes }], signal).then(
        () => unconfirmed.delete(token.unit),
        () => unconfirmed.delete(token.unit), // Aborted: we are leaving, the next owner ticks.
      );
    }
    await deps.clock.sleep(deps.tickMs, signal).catch(() => undefined);
  }
}
