import { MsgpackReader } from '../../core/spool/msgpack-reader.ts';
import type { Clock } from '../../lib/clock.ts';
import type { LmdbEnvironment, Table } from '../../lib/lmdb-environment.ts';
import { MsgpackWriter } from '../../model/msgpack-writer.ts';
import type { Agreed } from './agreed.ts';
import { Counters } from './counters.ts';

export interface ArrivalsOptions {
  readonly env: LmdbEnvironment;
  readonly clock: Clock;
  readonly agreed: () => Agreed;
}

/** One notification that came from another site. */
export interface Arrival {
  readonly id: string;
  readonly tag: string;
  /** Who sent it: its site where we know it, else its address. */
  readonly peer: string;
  /** `[time, record]`. */
  readonly entry: Uint8Array;
}

export interface ArrivalRow extends Arrival {
  readonly seq: number;
}

const forgetAtOnce = 20;

/**
 * What arrived and waits for the input `spool`. `take` resolves once it is on disk: only then may it be acknowledged. An id that came
 * before, as long as ids are remembered, is not taken a second time, whatever connection it comes by and whoever died in between; ids and rows are
 * written in one transaction.
 */
export class Arrivals {
  readonly #env: LmdbEnvironment;
  readonly #clock: Clock;
  readonly #options: ArrivalsOptions;
  readonly #rows: Table<Uint8Array>;
  readonly #seen: Table<string>;
  /** `[time, number]` → the ids of one transaction: what to forget, in order. */
  readonly #seenLog: Table<string>;
  readonly counters: Counters;

  constructor(options: ArrivalsOptions) {
    this.#options = options;
    this.#env = options.env;
    this.#clock = options.clock;
    this.#rows = options.env.bytesTable('arrived');
    this.#seen = options.env.textTable('seen');
    this.#seenLog = options.env.textTable('seen-log');
    this.counters = new Counters(options.env.textTable('counters'));
  }

  /** Returns how many were new. */
  async take(arrivals: readonly Arrival[]): Promise<number> {
    return await this.#env.transact(() => {
      let seq = this.counters.get('arrived_seq');
      let bytes = 0;
      const ids: string[] = [];
      for (const arrival of arrivals) {
        if (this.#seen.get(arrival.id) !== undefined) continue;
        this.#seen.put(arrival.id, '');
        const row = packRow(arrival);
        this.#rows.put(++seq, row);
        bytes += row.length;
        ids.push(arrival.id);
      }
      if (ids.length > 0) {
        this.#seenLog.put([this.#clock.now(), seq], JSON.stringify(ids));
        this.counters.set('arrived_seq', seq);
        this.counters.add('arrived_bytes', bytes);
      }
      this.counters.add('received', ids.length);
      this.counters.add('repeated', arrivals.length - ids.length);
      return ids.length;
    });
  }

  get full(): boolean {
    this.#env.refresh();
    return this.counters.get('arrived_bytes') >= this.#options.agreed().maxBytes;
  }

  /** What arrived after `after`, in order. */
  read(after: number, most: number): ArrivalRow[] {
    this.#env.refresh();
    const rows: ArrivalRow[] = [];
    for (const { key, value } of this.#rows.getRange({ start: after + 1, limit: most })) rows.push(unpackRow(Number(key), value));
    return rows;
  }

  async remove(seqs: readonly number[]): Promise<void> {
    await this.#env.transact(() => {
      let bytes = 0;
      for (const seq of seqs) {
        const value = this.#rows.get(seq);
        if (value === undefined) continue;
        bytes += value.length;
        this.#rows.remove(seq);
      }
      this.counters.add('arrived_bytes', -bytes);
    });
  }

  /** Forgets the ids whose time is over, few at a time; true: there are more. */
  async forget(): Promise<boolean> {
    const before = this.#clock.now() - this.#options.agreed().rememberMs;
    const old = [...this.#seenLog.getRange({ start: [0], end: [before], limit: forgetAtOnce })];
    if (old.length === 0) return false;
    await this.#env.transact(() => {
      for (const { key, value } of old) {
        for (const id of JSON.parse(value) as string[]) this.#seen.remove(id);
        this.#seenLog.remove(key as [number, number]);
      }
    });
    return old.length === forgetAtOnce;
  }

  count(): number {
    this.#env.refresh();
    return this.#rows.getCount();
  }
}

function packRow({ id, tag, peer, entry }: Arrival): Uint8Array {
  return new MsgpackWriter(entry.length + 256).array(4).text(id).text(tag).text(peer).raw(entry).take();
}

function unpackRow(seq: number, row: Uint8Array): ArrivalRow {
  const reader = new MsgpackReader(row);
  reader.arrayLength();
  const [id, tag, peer] = [reader.value(), reader.value(), reader.value()] as [string, string, string];
  return { seq, id, tag, peer, entry: reader.skip() };
}
