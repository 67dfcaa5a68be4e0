import { relocateCursors } from './relocate-cursors.ts';
import { relocateStates } from './relocate-states.ts';
import type { RelocateOptions, StoredPartition } from './stored-partition.ts';

export interface Relocated {
  readonly partitions: readonly StoredPartition[];
  /** Keys that went to several partitions, because they do not say which one they belong to. */
  readonly copied: number;
  /** Keys of steps that the sink has no more. */
  readonly forgotten: number;
}

/**
 * The partitions of a sink, all of them and fully applied, sorted anew for another number of partitions. Pure. Each state goes where the
 * next item of its key will go; ids go wherever a part of their notification may come again; partition time goes on from the least
 * (a deadline may be told late, never early), the watermark from the greatest (a closed window stays closed).
 *
 * Throws a fatal Fault `cannot_relocate` when a transformer's states do not say where they belong.
 */
export function relocate(old: readonly StoredPartition[], options: RelocateOptions): Relocated {
  const cursors = relocateCursors(old, options.from, options.partitions);
  const { places, copied, forgotten } = relocateStates(old, options, cursors.shiftMs);
  const partitions = cursors.partitions.map((cursor, index) => ({ ...cursor, states: places[index] ?? [] }));
  return { partitions, copied, forgotten };
}
