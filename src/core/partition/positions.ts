import type { DataEntry } from '../../model/entry.ts';

/**
 * Per listener boot, the last sequence applied. Only last + 1 is applied: lower is a duplicate, higher is held until the missing
 * one comes. A boot never seen starts at 1.
 */
export interface ListenerPosition {
  readonly last: number;
  readonly proven: number;
}

export type Verdict = 'next' | 'duplicate' | 'ahead';

/** Bound on remembered listener boots: an agent restarting every minute for a week stays below it. The one silent longest goes first. */
const maxListeners = 10_000;

export class Positions {
  readonly #listeners = new Map<string, ListenerPosition>();

  decide(listener: string, seq: number): Verdict {
    const last = this.#listeners.get(listener)?.last ?? 0;
    if (seq <= last) return 'duplicate';
    return seq === last + 1 ? 'next' : 'ahead';
  }

  advance(entry: DataEntry): void {
    const proven = Math.max(entry.proven, this.#listeners.get(entry.listener)?.proven ?? 0);
    this.#listeners.delete(entry.listener);
    this.#listeners.set(entry.listener, { last: entry.seq, proven });
    if (this.#listeners.size > maxListeners) {
      const [oldest] = this.#listeners.keys();
      if (oldest !== undefined) this.#listeners.delete(oldest);
    }
  }

  proven(): ReadonlyMap<string, number> {
    return new Map([...this.#listeners].map(([listener, position]) => [listener, position.proven]));
  }

  toJson(): readonly (readonly [listener: string, last: number, proven: number])[] {
    return [...this.#listeners].map(([listener, position]) => [listener, position.last, position.proven]);
  }

  restore(rows: ReturnType<Positions['toJson']>): void {
    this.#listeners.clear();
    for (const [listener, last, proven] of rows) this.#listeners.set(listener, { last, proven });
  }
}
