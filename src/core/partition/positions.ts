import type { DataEntry } from '../../model/entry.ts';

/** A wait for what is missing before the entries held of one listener boot; part of the state, so that a takeover waits no longer. */
export interface Wait {
  /** Wall clock of the partition when it began, epoch ms. */
  readonly since: number;
  /** Entries of any kind that the partition has read since. */
  readonly read: number;
}

type Range = readonly [from: number, to: number];

/**
 * Per listener boot, the last sequence applied. Only last + 1 is applied: lower is a duplicate, higher is held until the missing
 * one comes, or until the wait for it is over; then it is passed over, and applied late should it still come. A boot never seen starts at 1.
 */
interface ListenerPosition {
  readonly last: number;
  readonly proven: number;
  readonly wait: Wait | null;
  /** Passed over, in order. */
  readonly missing: readonly Range[];
}

export type Verdict = 'next' | 'late' | 'duplicate' | 'ahead';

/**
 * A listener sends what is missing again within a second. One that died never does, and what it had not confirmed comes from another
 * listener, for it was not acknowledged at the source: nobody may wait for it longer than this,
 */
const longestWaitMs = 30_000;
/** or while so many entries come, because no more than the prefetch is unsettled: the missing one could not come in any more. */
const longestWaitEntries = 400;
/** Bound on remembered listener boots: an agent restarting every minute for a week stays below it. The one silent longest goes first. */
const maxListeners = 10_000;
/** Bound on holes remembered of one boot; of more, the oldest is given up. */
const maxHoles = 1_000;

const start: ListenerPosition = { last: 0, proven: 0, wait: null, missing: [] };

export type PositionRow =
  | readonly [listener: string, last: number, proven: number]
  | readonly [
      listener: string,
      last: number,
      proven: number,
      wait: readonly [since: number, read: number] | null,
      missing: readonly Range[],
    ];

export class Positions {
  readonly #listeners = new Map<string, ListenerPosition>();
  #waiting = 0;

  /** Is anything held, or was it when the state was stored? */
  get waits(): boolean {
    return this.#waiting > 0;
  }

  decide(listener: string, seq: number): Verdict {
    const { last, missing } = this.#listeners.get(listener) ?? start;
    if (seq > last) return seq === last + 1 ? 'next' : 'ahead';
    return missing.some(([from, to]) => seq >= from && seq <= to) ? 'late' : 'duplicate';
  }

  /** Of an entry that was decided to be next or late. */
  advance({ listener, seq, proven }: DataEntry): void {
    const before = this.#listeners.get(listener) ?? start;
    const missing = seq > before.last ? before.missing : before.missing.flatMap((range) => without(range, seq));
    this.#listeners.delete(listener);
    this.#listeners.set(listener, {
      ...before,
      last: Math.max(before.last, seq),
      proven: Math.max(before.proven, proven),
      missing,
    });
    if (this.#listeners.size <= maxListeners) return;
    const [oldest] = this.#listeners.keys();
    if (oldest === undefined) return;
    this.stopWaiting(oldest);
    this.#listeners.delete(oldest);
  }

  /** Entries of it are held; the wait that is under way goes on. */
  wait(listener: string, now: number): void {
    const before = this.#listeners.get(listener) ?? start;
    if (before.wait !== null) return;
    this.#listeners.set(listener, { ...before, wait: { since: now, read: 0 } });
    this.#waiting += 1;
  }

  stopWaiting(listener: string): void {
    const before = this.#listeners.get(listener);
    if (before === undefined || before.wait === null) return;
    this.#listeners.set(listener, { ...before, wait: null });
    this.#waiting -= 1;
  }

  /** One more entry was read; returns the listeners whose wait is over. */
  read(now: number): readonly string[] {
    if (this.#waiting === 0) return [];
    const over: string[] = [];
    for (const [listener, position] of this.#listeners) {
      if (position.wait === null) continue;
      const wait = { ...position.wait, read: position.wait.read + 1 };
      this.#listeners.set(listener, { ...position, wait });
      if (now - wait.since >= longestWaitMs || wait.read >= longestWaitEntries) over.push(listener);
    }
    return over;
  }

  /** The next to apply is `seq`; returns how many before it are missing. */
  passOver(listener: string, seq: number): number {
    const before = this.#listeners.get(listener) ?? start;
    const passed = seq - 1 - before.last;
    if (passed <= 0) return 0;
    const missing = [...before.missing, [before.last + 1, seq - 1] as const].slice(-maxHoles);
    this.#listeners.set(listener, { ...before, last: seq - 1, missing });
    return passed;
  }

  proven(): ReadonlyMap<string, number> {
    return new Map([...this.#listeners].map(([listener, position]) => [listener, position.proven]));
  }

  toJson(): readonly PositionRow[] {
    return [...this.#listeners].map(([listener, { last, proven, wait, missing }]) =>
      wait === null && missing.length === 0
        ? [listener, last, proven]
        : [listener, last, proven, wait === null ? null : [wait.since, wait.read], missing],
    );
  }

  restore(rows: readonly PositionRow[]): void {
    this.#listeners.clear();
    for (const [listener, last, proven, wait = null, missing = []] of rows) {
      this.#listeners.set(listener, { last, proven, wait: wait === null ? null : { since: wait[0], read: wait[1] }, missing });
    }
    this.#waiting = rows.filter(([, , , wait = null]) => wait !== null).length;
  }
}

function without([from, to]: Range, seq: number): Range[] {
  if (seq < from || seq > to) return [[from, to]];
  const left: Range[] = [];
  if (seq > from) left.push([from, seq - 1]);
  if (seq < to) left.push([seq + 1, to]);
  return left;
}
