import { stableHash } from '../../model/stable-hash.ts';
import { type InTurns, runThrough } from '../in-turns.ts';
import { originOf } from './former-layout.ts';
import { eachIdLine, idLine } from './id-lines.ts';
import { IdTable, maxOwners } from './id-table.ts';
import { keepSlices, ListenerMarks } from './listener-marks.ts';

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
 *
 * In memory all ids stand in one table, each with its listener, its sequence and the slice it was last written to. Adding and proving
 * touch no other id; the whole table is walked once a slice, and once before a commit that has late proofs.
 */
export const sliceMs = 30_000;
/** A stored slice outlives the closed ids in it: recorded at r, proven by r + 4 (else rewritten), kept 4 slices more. */
const dropAfterSlices = 9;

export interface IdLogChange {
  readonly ids: { readonly slice: number; readonly text: string } | null;
  readonly dropSlices: readonly number[];
}

export class IdLog {
  readonly #table = new IdTable();
  readonly #listeners = new Map<string, ListenerMarks>();
  /** By their numbers in the table. */
  readonly #owners: (ListenerMarks | undefined)[] = [undefined];
  #freeOwners: number[] = [];
  readonly #stored = new Set<number>();
  #now = 0;
  #provenLate = false;
  #pending: string[] = [];
  #drops: number[] = [];
  readonly #hashWords = new DataView(new ArrayBuffer(8));
  #hashed: string | null = null;

  /** Counted by a walk over all of them, for who asks now and then. An id under two sequences counts twice. */
  get openCount(): number {
    let open = 0;
    this.#table.each((cell) => {
      const marks = this.#marksOf(cell);
      if (marks.isOpen(marks.fullSeq(this.#table.seq(cell)))) open += 1;
    });
    return open;
  }

  get closedCount(): number {
    return this.#table.size - this.openCount;
  }

  has(notificationId: string): boolean {
    this.#hash(notificationId);
    return this.#table.has(this.#hashWords.getUint32(0), this.#hashWords.getUint32(4));
  }

  /**
   * For an id that is there: the partitions of former layouts (`g1.p3`) that it was applied in; null when it was in this one. Walks along the
   * cells of the id, so it is asked only then.
   */
  origins(notificationId: string): ReadonlySet<string> | null {
    this.#hash(notificationId);
    const origins = new Set<string>();
    for (const owner of this.#table.owners(this.#hashWords.getUint32(0), this.#hashWords.getUint32(4))) {
      const origin = originOf((this.#owners[owner] as ListenerMarks).listener);
      if (origin === null) return null;
      origins.add(origin);
    }
    return origins;
  }

  /** The sequences of a listener do not fall, and lie above what it has proven. */
  add(listener: string, seq: number, notificationId: string): void {
    this.#hash(notificationId);
    const marks = this.#listeners.get(listener) ?? this.#join(listener);
    marks.added(seq);
    const [high, low] = [this.#hashWords.getUint32(0), this.#hashWords.getUint32(4)];
    this.#table.add(high, low, seq, marks.owner, this.#now);
    this.#pending.push(idLine(listener, seq, high, low));
  }

  /** One notification is asked for and then added: it is hashed once. */
  #hash(notificationId: string): void {
    if (this.#hashed === notificationId) return;
    this.#hashWords.setBigUint64(0, stableHash([notificationId]));
    this.#hashed = notificationId;
  }

  /** At the bound, far beyond the boots a partition remembers, the ids of the boot that is here longest are forgotten. */
  #join(listener: string): ListenerMarks {
    if (this.#listeners.size === maxOwners) {
      const [oldest] = this.#listeners.values();
      oldest?.forget();
      this.#sweep(0);
    }
    const marks = new ListenerMarks(listener, this.#freeOwners.pop() ?? this.#owners.length);
    this.#owners[marks.owner] = marks;
    this.#listeners.set(listener, marks);
    return marks;
  }

  #marksOf(cell: number): ListenerMarks {
    return this.#owners[this.#table.owner(cell)] as ListenerMarks;
  }

  /** In slices before this one. No id goes unwritten for longer than the eight bits of its stamp reach. */
  #writtenAgo(cell: number): number {
    return (this.#now - this.#table.stamp(cell)) & 0xff;
  }

  /** The listener saw the broker know that raw messages of its entries up to `seq` are acknowledged. */
  prove(listener: string, seq: number): void {
    const marks = this.#listeners.get(listener);
    if (marks === undefined) return;
    marks.prove(seq);
    if (seq >= marks.staleFrom) this.#provenLate = true;
  }

  /** Partition time has moved: forget closed ids that are old enough, carry open ones on. */
  advance(partitionMs: number): void {
    const slices = Math.floor(partitionMs / sliceMs) - this.#now;
    if (slices <= 0) return;
    if (this.#provenLate) this.#writeLateProofs();
    for (const marks of this.#listeners.values()) marks.pass(slices);
    this.#sweep(slices);
    for (const old of this.#stored) {
      if (old > this.#now - dropAfterSlices) continue;
      this.#stored.delete(old);
      this.#drops.push(old);
    }
  }

  /** Moves on by so many slices. */
  #sweep(slices: number): void {
    const now = this.#now + slices;
    const idle = new Set(this.#listeners.values());
    for (const marks of idle) marks.staleFrom = Number.POSITIVE_INFINITY;
    this.#table.keepOnly((cell) => {
      const marks = this.#marksOf(cell);
      const seq = marks.fullSeq(this.#table.seq(cell));
      if (marks.isForgotten(seq)) return false;
      idle.delete(marks);
      if (!marks.isOpen(seq)) return true;
      const ago = this.#writtenAgo(cell) + slices;
      if (ago >= dropAfterSlices) this.#write(cell, marks, seq, now);
      else if (ago >= keepSlices) marks.staleFrom = Math.min(marks.staleFrom, seq);
      return true;
    });
    this.#now = now;
    for (const marks of idle) {
      this.#listeners.delete(marks.listener);
      this.#owners[marks.owner] = undefined;
      this.#freeOwners.push(marks.owner);
    }
  }

  #writeLateProofs(): void {
    this.#provenLate = false;
    for (const marks of this.#listeners.values()) marks.staleFrom = Number.POSITIVE_INFINITY;
    this.#table.each((cell) => {
      if (this.#writtenAgo(cell) < keepSlices) return;
      const marks = this.#marksOf(cell);
      const seq = marks.fullSeq(this.#table.seq(cell));
      if (marks.closedInThisSlice(seq)) this.#write(cell, marks, seq, this.#now);
      else if (marks.isOpen(seq)) marks.staleFrom = Math.min(marks.staleFrom, seq);
    });
  }

  #write(cell: number, marks: ListenerMarks, seq: number, slice: number): void {
    this.#table.restamp(cell, slice);
    this.#pending.push(idLine(marks.listener, seq, this.#table.high(cell), this.#table.low(cell)));
  }

  /** What the next commit has to store; forgets it, so call it once per commit. */
  takeChange(): IdLogChange {
    if (this.#provenLate) this.#writeLateProofs();
    const ids = this.#pending.length === 0 ? null : { slice: this.#now, text: this.#pending.join('') };
    if (ids !== null) this.#stored.add(ids.slice);
    const change = { ids, dropSlices: this.#drops };
    this.#pending = [];
    this.#drops = [];
    return change;
  }

  restore(...stored: Parameters<IdLog['restoring']>): void {
    runThrough(this.restoring(...stored));
  }

  /** Rebuilds the log; `proven` are the marks of the cursor. Closed ids get their two minutes anew: never forgotten too early. */
  *restoring(
    stored: readonly (readonly [slice: number, text: string])[],
    proven: ReadonlyMap<string, number>,
    partitionMs: number,
  ): InTurns {
    this.#now = Math.floor(partitionMs / sliceMs);
    // The newest first: of a line written again, that is the slice to remember.
    for (const [slice, text] of stored.toReversed()) {
      this.#stored.add(slice);
      const written = Math.min(Math.max(slice, this.#now - dropAfterSlices), this.#now);
      eachIdLine(text, (listener, seq, high, low) => {
        const marks = this.#listeners.get(listener) ?? this.#rejoin(listener, proven);
        if (this.#table.holds(high, low, seq, marks.owner)) return;
        marks.saw(seq);
        this.#table.add(high, low, seq, marks.owner, marks.isOpen(seq) ? written : this.#now);
      });
      // A row holds the ids of one commit.
      yield;
    }
    this.#writeLateProofs();
  }

  #rejoin(listener: string, proven: ReadonlyMap<string, number>): ListenerMarks {
    const marks = this.#join(listener);
    marks.prove(proven.get(listener) ?? 0);
    return marks;
  }
}
