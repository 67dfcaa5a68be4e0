import type { LmdbEnvironment, Table } from '../lib/lmdb-environment.ts';
import { isOwnerAlive, processOwner } from '../lib/process-owner.ts';
import { Fault } from '../model/faults.ts';

export interface LocalOutboxOptions {
  /** Shared by all lanes and all agent processes on one data directory. */
  readonly env: LmdbEnvironment;
  /** `sink/publisher`. */
  readonly lane: string;
  readonly maxBytes: number;
  /** This process; rows of owners that no longer live are taken over. */
  readonly owner?: string;
  readonly isAlive?: (owner: string) => boolean;
}

export interface HeldRow {
  readonly seq: number;
  readonly lines: string;
  readonly items: number;
  /** From before this outbox was opened: it may stand at the target already. */
  readonly old: boolean;
}

/**
 * Items that wait on the local disk for one target, as JSON Lines in the order they came. `hold` resolves when they are flushed, so
 * the message they came from may be acknowledged then. They stand until `release`; whoever opens the outbox next takes over what a
 * dead process left, its oldest first. At `maxBytes` it refuses (`outbox_full`, retryable): the caller waits.
 */
export class LocalOutbox {
  readonly #env: LmdbEnvironment;
  readonly #rows: Table<string>;
  readonly #lane: string;
  readonly #owner: string;
  readonly #maxBytes: number;
  readonly #sizes = new Map<number, { readonly bytes: number; readonly items: number }>();
  #next = 1;
  #oldUpTo = 0;
  bytes = 0;
  items = 0;

  private constructor({ env, lane, maxBytes, owner = processOwner() }: LocalOutboxOptions) {
    this.#env = env;
    this.#rows = env.textTable('held');
    this.#lane = lane;
    this.#owner = owner;
    this.#maxBytes = maxBytes;
  }

  static async open(options: LocalOutboxOptions): Promise<LocalOutbox> {
    const outbox = new LocalOutbox(options);
    outbox.#countOwn();
    await outbox.#adopt(options.isAlive ?? isOwnerAlive);
    outbox.#oldUpTo = outbox.#next - 1;
    return outbox;
  }

  /** The number of the last row so far. */
  get last(): number {
    return this.#next - 1;
  }

  get full(): boolean {
    return this.bytes >= this.#maxBytes;
  }

  /** Resolves with the row's number once it is on disk. */
  async hold(lines: string, items: number): Promise<number> {
    if (this.bytes > 0 && this.bytes + lines.length > this.#maxBytes)
      throw new Fault('retryable', 'outbox_full', `as much as allowed waits on the disk for ${this.#lane}`);
    const seq = this.#next++;
    this.#count(seq, lines.length, items);
    try {
      await this.#env.transact(() => this.#rows.put([this.#lane, this.#owner, seq], lines));
    } catch (error) {
      this.#forget(seq);
      throw error;
    }
    return seq;
  }

  async release(seqs: readonly number[]): Promise<void> {
    await this.#env.transact(() => {
      for (const seq of seqs) this.#rows.remove([this.#lane, this.#owner, seq]);
    });
    for (const seq of seqs) this.#forget(seq);
  }

  /** Rows after `seq`, in order, at most `max`. */
  read(after: number, max: number): HeldRow[] {
    this.#env.refresh();
    const range = {
      start: [this.#lane, this.#owner, after + 1],
      end: [this.#lane, this.#owner, Number.MAX_SAFE_INTEGER],
      limit: max,
    };
    const rows: HeldRow[] = [];
    for (const { key, value } of this.#rows.getRange(range)) {
      const seq = Number((key as unknown[])[2]);
      rows.push({ seq, lines: value, items: countLines(value), old: seq <= this.#oldUpTo });
    }
    return rows;
  }

  #countOwn(): void {
    for (const row of this.read(0, Number.MAX_SAFE_INTEGER)) {
      this.#count(row.seq, row.lines.length, row.items);
      this.#next = row.seq + 1;
    }
  }

  /** A hundred rows per transaction: other processes write here as well, and a large one would make them wait. */
  async #adopt(isAlive: (owner: string) => boolean): Promise<void> {
    for (;;) {
      const moved = await this.#env.transact(() => {
        const rows: { key: unknown[]; value: string }[] = [];
        for (const { key, value } of this.#rows.getRange({ start: [this.#lane], end: [this.#lane, '\uffff'] })) {
          const owner = (key as string[])[1] as string;
          if (owner !== this.#owner && !isAlive(owner)) rows.push({ key: key as unknown[], value });
          if (rows.length === 100) break;
        }
        for (const { key, value } of rows) {
          this.#rows.remove(key as string[]);
          this.#rows.put([this.#lane, this.#owner, this.#next], value);
          this.#count(this.#next++, value.length, countLines(value));
        }
        return rows.length;
      });
      if (moved === 0) return;
    }
  }

  #count(seq: number, bytes: number, items: number): void {
    this.#sizes.set(seq, { bytes, items });
    this.bytes += bytes;
    this.items += items;
  }

  #forget(seq: number): void {
    const size = this.#sizes.get(seq);
    if (size === undefined) return;
    this.#sizes.delete(seq);
    this.bytes -= size.bytes;
    this.items -= size.items;
  }
}

function countLines(lines: string): number {
  let count = 0;
  for (let at = lines.indexOf('\n'); at >= 0; at = lines.indexOf('\n', at + 1)) count += 1;
  return count;
}
