import type { Clock } from '../../lib/clock.ts';
import type { LmdbEnvironment, Table } from '../../lib/lmdb-environment.ts';
import { Counters } from './counters.ts';
import type { RowStats } from './spool.ts';

export interface CorruptedRow {
  readonly seq: number;
  readonly atMs: number;
  /** The file it was. */
  readonly origin: string;
  readonly reason: string;
  /** As it was, its beginning when it is long; what is no text as U+FFFD. */
  readonly text: string;
}

const mostRows = 10_000;
const mostText = 64 * 1024;

/** What nobody can read, kept for a person. Beyond ten thousand the oldest goes, counted. */
export class Corrupted {
  readonly #env: LmdbEnvironment;
  readonly #clock: Clock;
  readonly #rows: Table<string>;
  readonly #counters: Counters;

  constructor(env: LmdbEnvironment, clock: Clock) {
    this.#env = env;
    this.#clock = clock;
    this.#rows = env.textTable('corrupted');
    this.#counters = new Counters(env.textTable('counters'));
  }

  async add(origin: string, reason: string, bytes: Uint8Array): Promise<void> {
    await this.#env.transact(() => {
      const seq = this.#counters.get('corrupted') + 1;
      this.#counters.set('corrupted', seq);
      const text = new TextDecoder().decode(bytes.subarray(0, mostText));
      this.#rows.put(seq, JSON.stringify({ atMs: this.#clock.now(), origin, reason, text }));
      if (this.#rows.getCount() <= mostRows) return;
      const [oldest] = [...this.#rows.getKeys({ limit: 1 })];
      if (oldest === undefined) return;
      this.#rows.remove(oldest);
      this.#counters.add('dropped_full', 1);
    });
  }

  list(): readonly CorruptedRow[] {
    this.#env.refresh();
    return [...this.#rows.getRange({})].map(({ key, value }) => ({
      ...(JSON.parse(value) as Omit<CorruptedRow, 'seq'>),
      seq: Number(key),
    }));
  }

  async drop(seq: number): Promise<boolean> {
    return await this.#env.transact(() => {
      if (this.#rows.get(seq) === undefined) return false;
      this.#rows.remove(seq);
      this.#counters.add('dropped_by_operator', 1);
      return true;
    });
  }

  stats(): RowStats {
    this.#env.refresh();
    const [oldest] = [...this.#rows.getRange({ limit: 1 })];
    const [youngest] = [...this.#rows.getRange({ reverse: true, limit: 1 })];
    const at = (row: { readonly value: string } | undefined) =>
      row === undefined ? null : (JSON.parse(row.value) as { atMs: number }).atMs;
    return { count: this.#rows.getCount(), oldestMs: at(oldest), youngestMs: at(youngest) };
  }
}
