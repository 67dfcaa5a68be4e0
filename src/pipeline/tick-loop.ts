import type { Group, LeaseToken } from '../coordination/group.ts';
import type { Clock } from '../lib/clock.ts';
import { printEntry } from '../model/entry.ts';
import { classify } from '../model/faults.ts';
import type { Appender, PartitionRef } from '../topics/topic.ts';

/**
 * The owner's clock for partitions that need time: every `tickMs` one tick entry per owned partition, through the topic like any
 * other entry, so that it stands behind the data that came before it. At most one is unconfirmed per partition; while one is, the
 * next is skipped, never queued: a backlog must not turn into a jump of time.
 */
export interface TickDeps {
  readonly group: Pick<Group, 'time'>;
  readonly openAppender: () => Promise<Appender>;
  readonly clock: Clock;
  readonly tickMs: number;
  /** The partitions we own whose sink needs time. */
  readonly owned: () => readonly { readonly ref: PartitionRef; readonly token: LeaseToken }[];
}

/** Runs until the signal aborts; throws what no further tick mends. */
export async function runTickLoop(deps: TickDeps, signal: AbortSignal): Promise<void> {
  // One each: an appender confirms in order, so a partition at its bound would stop the time of all the others.
  const appenders = new Map<string, Appender>();
  const unconfirmed = new Set<string>();
  let broken: { readonly error: unknown } | null = null;
  let n = 0;
  const tick = async (ref: PartitionRef, token: LeaseToken, at: number) => {
    n += 1;
    unconfirmed.add(token.unit);
    try {
      const appender = appenders.get(token.unit) ?? (await deps.openAppender());
      appenders.set(token.unit, appender);
      await appender.append([{ partition: ref, bytes: tickBytes(token, n, at) }], signal);
    } catch (error) {
      // Aborted: we are leaving, the next owner ticks. Retryable: this one is missed, partition time is told later.
      if (!signal.aborted && classify(error).class !== 'retryable') broken = { error };
    }
    unconfirmed.delete(token.unit);
  };
  while (!signal.aborted && broken === null) {
    // Nobody is asked for a time that nobody needs.
    const at = deps.owned().length === 0 ? null : await timeNow(deps.group);
    if (at !== null) for (const { ref, token } of deps.owned()) if (!unconfirmed.has(token.unit)) void tick(ref, token, at);
    await deps.clock.sleep(deps.tickMs, signal).catch(() => undefined);
  }
  if (broken !== null) throw (broken as { readonly error: unknown }).error;
}

/** Null while nobody can say what time it is: partition time stands still then, and the agent lives on. */
async function timeNow(group: TickDeps['group']): Promise<number | null> {
  try {
    return Math.floor(await group.time());
  } catch (error) {
    if (classify(error).class !== 'retryable') throw error;
    return null;
  }
}

const encoder = new TextEncoder();

function tickBytes({ incarnation, epoch }: LeaseToken, n: number, at: number): Uint8Array {
  return encoder.encode(printEntry({ kind: 'tick', incarnation, epoch, n, at }));
}
