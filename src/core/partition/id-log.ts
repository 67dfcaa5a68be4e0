import { stableHash } from '../../model/stable-hash.ts';
import { IdSet } from './id-set.ts';

/**
 * Which notifications this partition has already applied.
 *
 * A raw message can come back, to this listener or another, for as long as its acknowledgement is unproven. So an id is kept
 * - *open*, for ever, until its listener proves the acknowledgement (bounded by the raw prefetch per listener boot), then
 * - *closed*, for two more minutes of partition time (a broker crash may undo acknowledgements).
 * The same message id sent twice on purpose, later, is the `deduplicate` transformer's matter.
 *
 * Stored as slices of 30 s of partition time: text appended as ids come, whole slices dropped. An id still open when its slice
 * grows old is written again into the current one; one proven late is too, so that a restart within two minutes still knows it.
 */
export const sliceMs = 30_000;
const keepSlices = 4;
/** A stored slice outlives the closed ids in it: recorded at r, proven by r + 4 (else rewritten), kept 4 slices more. */
const dropAfterSlices = 9;

interface OpenId {
  readonly seq: number;
  readonly id: bigint;
  slice: number;
}

export interface IdLogChange {
  readonly ids: { readonly slice: number; readonly text: string } | null;
  readonly dropSlices: readonly number[];
}

export class IdLog {
  readonly #open = new Map<string, OpenId[]>();
  readonly #openIds = new Map<bigint, number>();
  readonly #closed = new Map<number, IdSet>();
  readonly #stored = new Set<number>();
  #now = 0;
  #pending: string[] = [];
  #drops: number[] = [];

  get openCount(): number {
    return this.#openIds.size;
  }

  get closedCount(): number {
    let count = 0;
    for (const set of this.#closed.values()) count += set.size;
    return count;
  }

  has(notificationId: string): boolean {
    return this.#hasHash(stableHash([notificationId]));
  }

  #hasHash(id: bigint): boolean {
    if (this.#openIds.has(id)) return true;
    for (const set of this.#closed.values()) if (set.has(id)) return true;
    return false;
  }

  add(listener: string, seq: number, notificationId: string): void {
    this.#addHash(listener, { seq, id: stableHash([notificationId]), slice: this.#now });
  }

  #addHash(listener: string, open: OpenId): void {
    let list = this.#open.get(listener);
    if (list === undefined) {
      list = [];
      this.#open.set(listener, list);
    }
    list.push(open);
    this.#openIds.set(open.id, (this.#openIds.get(open.id) ?? 0) + 1);
    this.#write(listener, open);
  }

  /** The listener saw the broker know that raw messages of its entries up to `seq` are acknowledged. */
  prove(listener: string, seq: number): void {
    const list = this.#open.get(listener);
    if (list === undefined) return;
    let count = 0;
    for (const open of list) {
      if (open.seq > seq) break;
      count += 1;
      this.#closeId(open.id);
      if (open.slice <= this.#now - keepSlices) this.#write(listener, open);
    }
    if (count === list.length) this.#open.delete(listener);
    else if (count > 0) list.splice(0, count);
  }

  #closeId(id: bigint): void {
    const left = (this.#openIds.get(id) ?? 1) - 1;
    if (left === 0) this.#openIds.delete(id);
    else this.#openIds.set(id, left);
    let set = this.#closed.get(this.#now);
    if (set === undefined) {
      set = new IdSet();
      this.#closed.set(this.#now, set);
    }
    set.add(id);
  }

  /** Partition time has moved: forget closed ids that are old enough, carry open ones on. */
  advance(partitionMs: number): void {
    const slice = Math.floor(partitionMs / sliceMs);
    if (slice === this.#now) return;
    this.#now = slice;
    for (const old of this.#closed.keys()) if (old < slice - keepSlices) this.#closed.delete(old);
    for (const old of this.#stored) if (old <= slice - dropAfterSlices) this.#dropStored(old);
  }

  #dropStored(slice: number): void {
    for (const [listener, list] of this.#open) for (const open of list) if (open.slice <= slice) this.#write(listener, open);
    this.#stored.delete(slice);
    this.#drops.push(slice);
  }

  #write(listener: string, open: OpenId): void {
    open.slice = this.#now;
    this.#pending.push(`${listener} ${open.seq} ${open.id.toString(16)}\n`);
  }

  /** What the next commit has to store; forgets it, so call it once per commit. */
  takeChange(): IdLogChange {
    const ids = this.#pending.length === 0 ? null : { slice: this.#now, text: this.#pending.join('') };
    if (ids !== null) this.#stored.add(ids.slice);
    const change = { ids, dropSlices: this.#drops };
    this.#pending = [];
    this.#drops = [];
    return change;
  }

  /** Rebuilds the log; `proven` are the marks of the cursor. Closed ids get their two minutes anew: never forgotten too early. */
  restore(
    stored: readonly (readonly [slice: number, text: string])[],
    proven: ReadonlyMap<string, number>,
    partitionMs: number,
  ): void {
    this.#now = Math.floor(partitionMs / sliceMs);
    const seen = new Set<string>();
    for (let i = stored.length - 1; i >= 0; i--) {
      const [slice, text] = stored[i] as readonly [number, string];
      this.#stored.add(slice);
      for (const line of text.split('\n')) {
        if (line === '' || seen.has(line)) continue;
        seen.add(line);
        const [listener, seq, hex] = line.split(' ') as [string, string, string];
        this.#restoreOne(listener, Number(seq), BigInt(`0x${hex}`), slice, proven.get(listener) ?? 0);
      }
    }
    for (const list of this.#open.values()) list.sort((a, b) => a.seq - b.seq);
    this.#pending = [];
  }

  #restoreOne(listener: string, seq: number, id: bigint, slice: number, proven: number): void {
    if (seq <= proven) {
      this.#closeId(id);
      return;
    }
    const list = this.#open.get(listener) ?? [];
    list.push({ seq, id, slice });
    this.#open.set(listener, list);
    this.#openIds.set(id, (this.#openIds.get(id) ?? 0) + 1);
  }
}
