import type { Clock } from '../../lib/clock.ts';
import type { LmdbEnvironment, Table } from '../../lib/lmdb-environment.ts';
import { Fault } from '../../model/faults.ts';
import type { Agreed } from './agreed.ts';
import { Counters } from './counters.ts';

export interface SpoolOptions {
  readonly env: LmdbEnvironment;
  readonly clock: Clock;
  readonly agreed: () => Agreed;
}

export interface SpoolRow {
  readonly seq: number;
  readonly atMs: number;
  readonly entry: Uint8Array;
}

/** How many rows, and when the first and the last of them came (epoch ms). */
export interface RowStats {
  readonly count: number;
  readonly oldestMs: number | null;
  readonly youngestMs: number | null;
}

const headBytes = 8;
const lastKey = Number.MAX_SAFE_INTEGER;

/**
 * What waits to be sent, one row a notification, in the order it was put; `lane` is '' or, where each sink gets its own copy, the name
 * of a sink. `put` resolves once it is on disk. Rows stand until somebody says that they arrived. Any number of processes may put and
 * look; one spooler sends.
 *
 * New → (several tries failed) Deferred → (its time has come) New. At `maxBytes` `put` refuses (`spool_full`, retryable) or drops the
 * oldest and counts it.
 */
export class Spool {
  readonly #env: LmdbEnvironment;
  readonly #clock: Clock;
  readonly #options: SpoolOptions;
  readonly #rows: Table<Uint8Array>;
  readonly #deferred: Table<Uint8Array>;
  readonly counters: Counters;

  constructor(options: SpoolOptions) {
    this.#options = options;
    this.#env = options.env;
    this.#clock = options.clock;
    this.#rows = options.env.bytesTable('outgoing');
    this.#deferred = options.env.bytesTable('deferred');
    this.counters = new Counters(options.env.textTable('counters'));
  }

  /** Entries in the order they shall go. Each lane gets its own copy. */
  async put(entries: readonly Uint8Array[]): Promise<void> {
    await this.#env.transact(() => {
      const { lanes, maxBytes, onFull } = this.#options.agreed();
      const more = lanes.length * entries.reduce((sum, entry) => sum + entry.length + headBytes, 0);
      if (this.counters.get('outgoing_bytes') + more > maxBytes) {
        if (onFull === 'reject' || more > maxBytes)
          throw new Fault('retryable', 'spool_full', `${maxBytes} bytes wait to be sent, no more are taken`);
        this.#dropOldest(more, maxBytes);
      }
      let seq = this.counters.get('outgoing_seq');
      for (const lane of lanes) for (const entry of entries) this.#rows.put([lane, ++seq], withTime(this.#clock.now(), entry));
      this.counters.set('outgoing_seq', seq);
      this.counters.add('outgoing_bytes', more);
      this.counters.add('spooled', entries.length);
    });
  }

  /** Rows of a lane after `after` and not beyond `upTo`, in order: at most so many, and at most so many bytes but for the first. */
  read(lane: string, after: number, upTo: number, most: { readonly rows: number; readonly bytes: number }): SpoolRow[] {
    const found: SpoolRow[] = [];
    if (upTo <= after) return found;
    let bytes = 0;
    for (const { key, value } of this.#rows.getRange({ start: [lane, after + 1], end: [lane, upTo + 1], limit: most.rows })) {
      bytes += value.length;
      if (found.length > 0 && bytes > most.bytes) break;
      found.push({ seq: Number((key as unknown[])[1]), atMs: timeOf(value), entry: value.subarray(headBytes) });
    }
    return found;
  }

  /** The number of the last row that was ever put; what other processes put meanwhile is seen. */
  last(): number {
    this.#env.refresh();
    return this.counters.get('outgoing_seq');
  }

  /** They arrived. */
  async remove(rows: readonly { readonly lane: string; readonly seq: number }[]): Promise<void> {
    await this.#env.transact(() => {
      let [removed, bytes] = [0, 0];
      for (const { lane, seq } of rows) {
        const length = this.#rows.get([lane, seq])?.length;
        if (length === undefined) continue;
        this.#rows.remove([lane, seq]);
        bytes += length;
        removed += 1;
      }
      this.counters.add('outgoing_bytes', -bytes);
      this.counters.add('delivered', removed);
    });
  }

  /** Sets rows aside until `retryAtMs` (epoch ms). */
  async defer(rows: readonly { readonly lane: string; readonly seq: number }[], retryAtMs: number): Promise<void> {
    await this.#env.transact(() => {
      for (const { lane, seq } of rows) {
        const value = this.#take(this.#rows, lane, seq);
        if (value === undefined) continue;
        const set = withTime(retryAtMs, value);
        this.#deferred.put([lane, seq], set);
        this.counters.add('outgoing_bytes', set.length);
        this.counters.add('deferrals', 1);
      }
    });
  }

  /** Puts what is due back at the end of its lane; `allOf`: everything, because an operator says so. Returns how many. */
  async retryDue(all = false): Promise<number> {
    const now = this.#clock.now();
    const due: [string, number][] = [];
    for (const { key, value } of this.#deferred.getRange({ limit: 1000 }))
      if (all || timeOf(value) <= now) due.push(key as [string, number]);
    if (due.length === 0) return 0;
    return await this.#env.transact(() => {
      let seq = this.counters.get('outgoing_seq');
      for (const [lane, old] of due) {
        const value = this.#take(this.#deferred, lane, old)?.subarray(headBytes);
        if (value === undefined) continue;
        this.#rows.put([lane, ++seq], value);
        this.counters.add('outgoing_bytes', value.length);
      }
      this.counters.set('outgoing_seq', seq);
      return due.length;
    });
  }

  /** Rows of New and Deferred for people, oldest first. */
  *list(): Generator<{
    readonly state: 'new' | 'deferred';
    readonly lane: string;
    readonly row: SpoolRow;
    readonly retryAtMs: number | null;
  }> {
    this.#env.refresh();
    for (const { key, value } of this.#rows.getRange({})) {
      const [lane, seq] = key as [string, number];
      yield { state: 'new', lane, row: { seq, atMs: timeOf(value), entry: value.subarray(headBytes) }, retryAtMs: null };
    }
    for (const { key, value } of this.#deferred.getRange({})) {
      const [lane, seq] = key as [string, number];
      const inner = value.subarray(headBytes);
      yield {
        state: 'deferred',
        lane,
        row: { seq, atMs: timeOf(inner), entry: inner.subarray(headBytes) },
        retryAtMs: timeOf(value),
      };
    }
  }

  async drop(lane: string, seq: number, state: 'new' | 'deferred'): Promise<boolean> {
    return await this.#env.transact(() => {
      const taken = this.#take(state === 'new' ? this.#rows : this.#deferred, lane, seq);
      if (taken !== undefined) this.counters.add('dropped_by_operator', 1);
      return taken !== undefined;
    });
  }

  stats(): { readonly new: RowStats; readonly deferred: RowStats } {
    this.#env.refresh();
    return {
      new: rowStats(this.#rows, (value) => timeOf(value)),
      deferred: rowStats(this.#deferred, (value) => timeOf(value.subarray(headBytes))),
    };
  }

  #take(table: Table<Uint8Array>, lane: string, seq: number): Uint8Array | undefined {
    const value = table.get([lane, seq]);
    if (value === undefined) return undefined;
    table.remove([lane, seq]);
    this.counters.add('outgoing_bytes', -value.length);
    return value;
  }

  #dropOldest(more: number, maxBytes: number): void {
    for (const table of [this.#deferred, this.#rows])
      for (const key of [...table.getKeys({ limit: 100_000 })] as [string, number][]) {
        if (this.counters.get('outgoing_bytes') + more <= maxBytes) return;
        this.#take(table, key[0], key[1]);
        this.counters.add('dropped_full', 1);
      }
  }
}

/** Oldest and youngest by their keys, which are counted up; over all lanes, so both ends of each lane would be too dear to ask. */
function rowStats(table: Table<Uint8Array>, atMs: (value: Uint8Array) => number): RowStats {
  const count = table.getCount({ start: [''], end: ['\uffff', lastKey] });
  const first = [...table.getRange({ limit: 1 })][0];
  const last = [...table.getRange({ reverse: true, limit: 1 })][0];
  return {
    count,
    oldestMs: first === undefined ? null : atMs(first.value),
    youngestMs: last === undefined ? null : atMs(last.value),
  };
}

function withTime(ms: number, value: Uint8Array): Uint8Array {
  const bytes = Buffer.allocUnsafe(headBytes + value.length);
  bytes.writeDoubleBE(ms, 0);
  bytes.set(value, headBytes);
  return bytes;
}

function timeOf(value: Uint8Array): number {
  return new DataView(value.buffer, value.byteOffset).getFloat64(0);
}
