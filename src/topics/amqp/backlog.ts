import type { PartitionRef } from '../topic.ts';

/** One entry on its way, its bytes and headers the same at every attempt. */
export interface Outgoing {
  readonly ref: PartitionRef;
  readonly exchange: string;
  readonly queue: string;
  readonly bytes: Uint8Array;
  readonly headers: unknown;
  /** Of the message; ordinary entries have none. */
  readonly type?: string;
  /** The routing key, when it is not the name of the queue. */
  readonly key?: string;
}

/** What one caller appends together. */
export interface Batch {
  readonly entries: readonly Outgoing[];
}

/**
 * What an appender still owes, in order, and how far the current attempt came. An entry counts when it and all before it are
 * confirmed; a rewind forgets every other confirm, and all that does not count is sent once more (go-back-N). Pure.
 */
export class Backlog<B extends Batch> {
  /** Batches in order, with the number of their entries that do not count yet. */
  readonly #left = new Map<B, number>();
  readonly #batchOf = new Map<Outgoing, B>();
  /** On the wire, in order; true when confirmed, but behind one that is not. */
  readonly #wire = new Map<Outgoing, boolean>();
  #unsent: Outgoing[] = [];
  #wireBytes = 0;

  get batches(): Iterable<B> {
    return this.#left.keys();
  }

  get isEmpty(): boolean {
    return this.#left.size === 0;
  }

  /** Entries sent by the current attempt that do not count yet, and their bytes. */
  get onTheWire(): { readonly entries: number; readonly bytes: number } {
    return { entries: this.#wire.size, bytes: this.#wireBytes };
  }

  /** Entries that do not count yet. */
  get owed(): number {
    return this.#batchOf.size;
  }

  /** The first that do not count, at most `count`. */
  head(count: number): readonly Outgoing[] {
    return [...this.#wire.keys(), ...this.#unsent.slice(0, count)].slice(0, count);
  }

  batchOf(entry: Outgoing): B | undefined {
    return this.#batchOf.get(entry);
  }

  owes(queue: string): boolean {
    for (const entry of this.#batchOf.keys()) if (entry.queue === queue) return true;
    return false;
  }

  add(batch: B): readonly B[] {
    this.#left.set(batch, batch.entries.length);
    for (const entry of batch.entries) {
      this.#batchOf.set(entry, batch);
      this.#unsent.push(entry);
    }
    return this.#takeDone();
  }

  /** The next one to send, which is on the wire from now on. */
  takeNext(): Outgoing | undefined {
    const entry = this.#unsent.shift();
    if (entry === undefined) return undefined;
    this.#wire.set(entry, false);
    this.#wireBytes += entry.bytes.byteLength;
    return entry;
  }

  /** Returns the batches of which every entry counts now. A confirm of something that is not owed any more changes nothing. */
  confirm(entry: Outgoing): readonly B[] {
    if (!this.#wire.has(entry)) return [];
    this.#wire.set(entry, true);
    for (const [head, confirmed] of this.#wire) {
      if (!confirmed) break;
      this.#forget(head);
      const batch = this.#batchOf.get(head);
      this.#batchOf.delete(head);
      if (batch !== undefined) this.#left.set(batch, (this.#left.get(batch) ?? 0) - 1);
    }
    return this.#takeDone();
  }

  rewind(): void {
    this.#unsent = [...this.#wire.keys(), ...this.#unsent];
    this.#wire.clear();
    this.#wireBytes = 0;
  }

  /** Its entries are owed no more; those on the wire may arrive all the same. Returns the batches that waited for it alone. */
  remove(batch: B): readonly B[] {
    if (!this.#left.delete(batch)) return [];
    for (const entry of batch.entries) {
      this.#batchOf.delete(entry);
      this.#forget(entry);
    }
    this.#unsent = this.#unsent.filter((entry) => this.#batchOf.has(entry));
    const head = this.#wire.entries().next().value;
    return head?.[1] === true ? this.confirm(head[0]) : this.#takeDone();
  }

  #forget(entry: Outgoing): void {
    if (this.#wire.delete(entry)) this.#wireBytes -= entry.bytes.byteLength;
  }

  #takeDone(): readonly B[] {
    const done: B[] = [];
    for (const [batch, left] of this.#left) {
      if (left > 0) break;
      done.push(batch);
      this.#left.delete(batch);
    }
    return done;
  }
}
