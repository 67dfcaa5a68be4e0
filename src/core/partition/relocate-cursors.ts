import type { Json } from '../../model/json.ts';
import { parseJson, printJson } from '../../model/json-text.ts';
import { type Cursor, emptyCursor } from './cursor.ts';
import { carriedListener, type FormerLayout, originOf } from './former-layout.ts';
import { eachIdLine, idLine } from './id-lines.ts';
import { sliceMs } from './id-log.ts';
import { type ClockState, clockStart, watermark } from './partition-clock.ts';
import { reachable, type StoredPartition } from './stored-partition.ts';

interface RelocatedCursors {
  readonly partitions: readonly Omit<StoredPartition, 'states'>[];
  /** By old partition: what its partition times are to be moved by. At most 0. */
  readonly shiftMs: readonly number[];
}

/** Positions stay behind: the new partitions have topics of their own, and listeners number anew in them. */
export function relocateCursors(old: readonly StoredPartition[], from: FormerLayout, partitions: number): RelocatedCursors {
  const cursors = old.map(({ cursor }) => (cursor === null ? emptyCursor : (parseJson(cursor) as unknown as Cursor)));
  // A partition that never ran has no time, and holds nobody up.
  const lived = cursors.filter((_, index) => old[index]?.cursor !== null);
  const clock = joinClocks(lived.map((cursor) => cursor.clock));
  const carried = carryIds(old, cursors, from, partitions);
  const known = new Map(cursors.flatMap((cursor) => (cursor.former ?? []).map((layout) => [layout.generation, layout])));
  const slice = Math.floor(clock.partitionMs / sliceMs);
  return {
    partitions: carried.map((ids) => {
      const former = [...known.values(), from].filter(({ generation }) => ids.generations.has(generation));
      const cursor = { config: null, clock, anchor: null, listeners: ids.listeners, former } satisfies Cursor;
      return {
        cursor: printJson(cursor as unknown as Json),
        ids: ids.text === '' ? [] : [[slice, ids.text] as const],
      };
    }),
    shiftMs: cursors.map((cursor) => Math.min(0, clock.partitionMs - cursor.clock.partitionMs)),
  };
}

/** No tick of before can come again: the new owners' epochs begin anew, so the mark does. */
function joinClocks(clocks: readonly ClockState[]): ClockState {
  const [first, ...others] = clocks;
  if (first === undefined) return clockStart;
  const partitionMs = Math.min(...clocks.map((clock) => clock.partitionMs));
  const eventTime = Math.max(...clocks.map((clock) => watermark({ ...clock, eventTime: clock.eventTime ?? null })));
  const canaries: Record<string, number> = { ...first.canaries };
  for (const clock of others)
    for (const [input, at] of Object.entries(clock.canaries)) canaries[input] = Math.min(at, canaries[input] ?? at);
  const lastTicks = clocks.flatMap(({ lastTickAt }) => lastTickAt ?? []);
  return {
    partitionMs,
    tick: clockStart.tick,
    lastTickAt: lastTicks.length === 0 ? null : Math.max(...lastTicks),
    now: Math.max(...clocks.map((clock) => clock.now)),
    eventTime: Number.isFinite(eventTime) ? eventTime : null,
    eventTimeAt: partitionMs,
    canaries,
  };
}

interface CarriedIds {
  readonly text: string;
  readonly listeners: Cursor['listeners'];
  readonly generations: ReadonlySet<number>;
}

/**
 * Every id that is still kept, to each new partition that its notification may come to. Whose acknowledgement was not proven stays open;
 * the others get their two minutes anew. What was carried here from a layout before goes on as it is.
 */
function carryIds(
  old: readonly StoredPartition[],
  cursors: readonly Cursor[],
  from: FormerLayout,
  partitions: number,
): readonly CarriedIds[] {
  const carried = Array.from({ length: partitions }, () => new Map<string, Map<string, readonly [high: number, low: number]>>());
  old.forEach(({ ids }, index) => {
    const proven = new Map(cursors[index]?.listeners.map(([listener, , seq]) => [listener, seq]));
    const targets = reachable(index, from.partitions, partitions);
    for (const [, text] of ids) {
      eachIdLine(text, (listener, seq, high, low) => {
        const kind = seq > (proven.get(listener) ?? 0) ? 'open' : 'closed';
        const name = originOf(listener) === null ? carriedListener(kind, from.generation, index) : listener;
        for (const target of targets) {
          const list = carried[target]?.get(name) ?? new Map();
          list.set(`${high} ${low}`, [high, low]);
          carried[target]?.set(name, list);
        }
      });
    }
  });
  return carried.map((byName) => {
    const listeners: (readonly [string, number, number])[] = [];
    const generations = new Set<number>();
    const lines: string[] = [];
    for (const [name, list] of byName) {
      let seq = 0;
      for (const [high, low] of list.values()) lines.push(idLine(name, ++seq, high, low));
      listeners.push([name, seq, name.startsWith('closed@') ? seq : 0]);
      generations.add(Number(/@g(\d+)/.exec(name)?.[1]));
    }
    return { text: lines.join(''), listeners, generations };
  });
}
