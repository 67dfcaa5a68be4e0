import type { LmdbEnvironment, Table } from '../../lib/lmdb-environment.ts';
import { Fault } from '../../model/faults.ts';
import { type PartitionRef, type PartitionStats, partitionName, type Received } from '../topic.ts';
import { decodeHeader, encodeEntry, entryBytes } from './entry.ts';

interface Sum {
  readonly entries: number;
  readonly bytes: number;
}

interface PartitionRecord {
  readonly ref: PartitionRef;
  readonly boundBytes: number;
  readonly nextOffset: number;
  readonly appended: Sum;
  readonly settled: Sum & { readonly offset: number };
}

const readBytes = 16 * 1024 * 1024;
const genesisOffset = 1;
const removePerTransaction = 512;
const nothing: Sum = { entries: 0, bytes: 0 };

/**
 * The tables of all partitions. Methods named `…InTransaction` change and run inside a transaction; the others only read.
 *
 * | table        | key               | value |
 * |--------------|-------------------|-------|
 * | `partitions` | partition name    | `PartitionRecord` |
 * | `entries`    | name, offset      | an entry with its header (`entry.ts`) |
 * | `appends`    | `count`           | how many appends there were, so that other processes notice with one read |
 */
export class PartitionLog {
  readonly #environment: LmdbEnvironment;
  readonly #partitions: Table<string>;
  readonly #entries: Table<Uint8Array>;
  readonly #appends: Table<string>;
  readonly #holes: boolean;

  constructor(environment: LmdbEnvironment, holes: boolean) {
    this.#environment = environment;
    this.#partitions = environment.textTable('partitions');
    this.#entries = environment.bytesTable('entries');
    this.#appends = environment.textTable('appends');
    this.#holes = holes;
  }

  createInTransaction(ref: PartitionRef, genesis: Uint8Array, boundBytes: number, nowMs: number): void {
    const name = partitionName(ref);
    if (this.#partitions.get(name) !== undefined) return;
    void this.#entries.put([name, genesisOffset], encodeEntry({ ...nothing, atMs: nowMs }, genesis));
    const settled = { offset: 0, ...nothing };
    this.#write(name, { ref, boundBytes, nextOffset: this.#after(genesisOffset), appended: nothing, settled });
    this.#countAppend();
  }

  /** Null when all entries were appended; else the first partition that is at its bound, and nothing was. */
  appendInTransaction(
    batch: readonly { readonly partition: PartitionRef; readonly bytes: Uint8Array }[],
    nowMs: number,
  ): PartitionRef | null {
    const full = this.fullOne(batch.map(({ partition }) => partition));
    if (full !== null) return full;
    const records = new Map<string, PartitionRecord>();
    for (const { partition, bytes } of batch) {
      const name = partitionName(partition);
      const record = records.get(name) ?? this.record(partition);
      const appended = { entries: record.appended.entries + 1, bytes: record.appended.bytes + bytes.length };
      void this.#entries.put([name, record.nextOffset], encodeEntry({ ...appended, atMs: nowMs }, bytes));
      records.set(name, { ...record, appended, nextOffset: this.#after(record.nextOffset) });
    }
    for (const [name, record] of records) this.#write(name, record);
    this.#countAppend();
    return null;
  }

  /** The bound may be passed by one batch: a batch larger than the bound would else wait for ever. */
  fullOne(refs: Iterable<PartitionRef>): PartitionRef | null {
    for (const ref of new Set(refs)) {
      const { appended, settled, boundBytes } = this.record(ref);
      if (appended.bytes - settled.bytes >= boundBytes) return ref;
    }
    return null;
  }

  /** Settles up to the last entry at or below `offset` and removes some of what lies before it; that entry stays, as the anchor. */
  settleInTransaction(ref: PartitionRef, offset: number): void {
    const name = partitionName(ref);
    const record = this.#read(name);
    if (record === undefined) return;
    let anchor = record.settled.offset;
    for (const { key, value } of this.#entries.getRange({
      start: [name, offset],
      end: [name, anchor],
      reverse: true,
      limit: 1,
    })) {
      anchor = offsetOf(key);
      const { entries, bytes } = decodeHeader(value);
      this.#write(name, { ...record, settled: { offset: anchor, entries, bytes } });
    }
    this.#removeBefore(name, anchor);
  }

  /** True when the partition is gone, false when there is more to remove. Throws `topic_not_empty`. */
  retireInTransaction(ref: PartitionRef): boolean {
    const name = partitionName(ref);
    const record = this.#read(name);
    if (record === undefined) return true;
    const { appended, settled } = record;
    if (appended.entries > settled.entries)
      throw new Fault('retryable', 'topic_not_empty', `${name} still holds ${appended.entries - settled.entries} entries`);
    if (this.#removeBefore(name, Number.MAX_SAFE_INTEGER) === removePerTransaction) return false;
    void this.#partitions.remove(name);
    return true;
  }

  /** At most `max` entries, and no more once they come to `readBytes`: one entry may hold the samples of a large notification. */
  read(ref: PartitionRef, from: number, max: number): Received[] {
    const name = partitionName(ref);
    const received: Received[] = [];
    let bytes = 0;
    for (const { key, value } of this.#entries.getRange({
      start: [name, from],
      end: [name, Number.MAX_SAFE_INTEGER],
      limit: max,
    })) {
      received.push({ offset: offsetOf(key), bytes: entryBytes(value), redelivered: false });
      bytes += value.byteLength;
      if (bytes >= readBytes) break;
    }
    return received;
  }

  stats(ref: PartitionRef): PartitionStats {
    const name = partitionName(ref);
    const { appended, settled, boundBytes } = this.record(ref);
    const entries = appended.entries - settled.entries;
    let oldestAtMs: number | null = null;
    // The genesis entry lies before the first that counts, and is not the age of anything.
    const start = [name, Math.max(settled.offset, genesisOffset) + 1];
    for (const { value } of this.#entries.getRange({ start, end: [name, Number.MAX_SAFE_INTEGER], limit: 1 }))
      oldestAtMs = decodeHeader(value).atMs;
    return { entries, bytes: appended.bytes - settled.bytes, boundBytes, oldestAtMs };
  }

  list(cluster: string): PartitionRef[] {
    const refs = [...this.#partitions.getRange()].map(({ value }) => (JSON.parse(value) as PartitionRecord).ref);
    return refs.filter((ref) => ref.cluster === cluster);
  }

  /** Throws `no_topic` (retryable): somebody else creates partitions. */
  record(ref: PartitionRef): PartitionRecord {
    const record = this.#read(partitionName(ref));
    if (record === undefined) throw new Fault('retryable', 'no_topic', `there is no partition ${partitionName(ref)}`);
    return record;
  }

  refresh(): void {
    this.#environment.refresh();
  }

  appendCount(): number {
    return Number(this.#appends.get('count') ?? 0);
  }

  #countAppend(): void {
    void this.#appends.put('count', String(this.appendCount() + 1));
  }

  #removeBefore(name: string, offset: number): number {
    const keys = [...this.#entries.getKeys({ start: [name, 0], end: [name, offset], limit: removePerTransaction })];
    for (const key of keys) void this.#entries.remove(key);
    return keys.length;
  }

  // Holes on purpose: whoever counts on dense offsets fails here, before a broker makes holes of its own.
  #after(offset: number): number {
    return this.#holes ? offset + 1 + (offset % 3) : offset + 1;
  }

  #read(name: string): PartitionRecord | undefined {
    const text = this.#partitions.get(name);
    return text === undefined ? undefined : (JSON.parse(text) as PartitionRecord);
  }

  #write(name: string, record: PartitionRecord): void {
    void this.#partitions.put(name, JSON.stringify(record));
  }
}

function offsetOf(key: unknown): number {
  return (key as readonly [name: string, offset: number])[1];
}
