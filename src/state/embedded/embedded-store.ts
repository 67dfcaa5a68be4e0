import { setImmediate as nextTurn } from 'node:timers/promises';
import type { LeaseToken, Unit } from '../../coordination/group.ts';
import type { LmdbEnvironment, Table } from '../../lib/lmdb-environment.ts';
import { Fault } from '../../model/faults.ts';
import type {
  Commit,
  CommitResult,
  Guarded,
  Loaded,
  OutboxEntry,
  PartitionStore,
  PeekedPartitions,
  Reseeded,
  StateChunk,
  WholePartition,
  WholePartitions,
} from '../partition-store.ts';
import type { LeaseGuard } from './lease-guard.ts';
import { afterCommit, afterStart, emptyHead, type LogHead, wholeAt } from './log-head.ts';
import { decodeRecord, encodeRecord } from './log-record.ts';

const fenced = { kind: 'fenced' } as const;
const chunkKeys = 2000;
const clearPerTransaction = 256;
const dropPerTransaction = 256;
const endOfRange = Number.MAX_SAFE_INTEGER;

/**
 * Partition state on local disk, one transaction per effect with the lease's guard at its head.
 *
 * | table    | key                                   | value |
 * |----------|---------------------------------------|-------|
 * | `heads`  | unit                                  | where the log stands (`LogHead`) |
 * | `log`    | unit, version                         | one record per commit (`LogRecord`) |
 * | `ids`    | unit, slice, version                  | text |
 * | `outbox` | unit, group, version, items, bytes    | text; items and bytes in the key so that `describe` reads no blob |
 *
 * A row per key instead of the log costs ten times the CPU and six times the bytes at a million keys: each key dirties its own page.
 */
export class EmbeddedStore implements PartitionStore, WholePartitions, PeekedPartitions {
  readonly rollingKeys = 400;
  readonly #environment: LmdbEnvironment;
  readonly #guard: LeaseGuard;
  readonly #heads: Table<string>;
  readonly #log: Table<Uint8Array>;
  readonly #ids: Table<string>;
  readonly #outbox: Table<Uint8Array>;

  constructor(environment: LmdbEnvironment, guard: LeaseGuard) {
    this.#environment = environment;
    this.#guard = guard;
    this.#heads = environment.textTable('heads');
    this.#log = environment.bytesTable('log');
    this.#ids = environment.textTable('ids');
    this.#outbox = environment.bytesTable('outbox');
  }

  async load(token: LeaseToken, onState: Parameters<PartitionStore['load']>[1]): Promise<Guarded<Loaded>> {
    const { unit } = token;
    const head = await this.#environment.transact(() => (this.#guard.holds(token) ? this.#head(unit) : null));
    if (head === null) return fenced;
    let cursor: string | null = null;
    let pending: StateChunk[number][] = [];
    let ofOpenRound = false;
    const handOn = async () => {
      if (pending.length > 0) onState(pending, ofOpenRound);
      pending = [];
      await nextTurn();
    };
    for (let version = head.wholeFrom; version <= head.version; version++) {
      const bytes = this.#log.get([unit, version]);
      if (bytes === undefined) return this.#missing(token, version);
      if (version === head.openFrom) {
        await handOn();
        ofOpenRound = true;
      }
      const record = decodeRecord(bytes);
      // A partition that was written as a whole may have none yet.
      cursor = record.cursor === '' ? null : record.cursor;
      for (const change of record.changes) {
        pending.push(change);
        if (pending.length >= chunkKeys) await handOn();
      }
    }
    await handOn();
    const outbox = this.#readOutbox(unit);
    const ids = this.#readIds(unit);
    // Only the holder changes these rows: when it still holds at the end, they were read as one.
    this.#environment.refresh();
    if (!this.#guard.holds(token)) return fenced;
    return { kind: 'ok', value: { version: head.version, cursor, outbox, ids, starts: head.starts, suspects: head.suspects } };
  }

  async peek(unit: Unit, onState: (chunk: StateChunk) => void): Promise<void> {
    this.#environment.refresh();
    const { wholeFrom, version: last } = this.#head(unit);
    for (let version = wholeFrom; version <= last; version++) {
      const bytes = this.#log.get([unit, version]);
      // Its owner has begun a new round and drops the old one: all of it is there again.
      if (bytes === undefined) return this.peek(unit, onState);
      onState(decodeRecord(bytes).changes);
      await nextTurn();
    }
  }

  noteStart(token: LeaseToken, suspects: string): Promise<Guarded<null>> {
    return this.#environment.transact((): Guarded<null> => {
      if (!this.#guard.holds(token)) return fenced;
      this.#putHead(token.unit, afterStart(this.#head(token.unit), suspects));
      return { kind: 'ok', value: null };
    });
  }

  async commit(token: LeaseToken, commit: Commit): Promise<CommitResult> {
    const { unit } = token;
    const record = encodeRecord(commit);
    const blobs = commit.outbox.map(({ group, items, text }) => ({ group, items, bytes: Buffer.from(text) }));
    return this.#environment.transact((): CommitResult => {
      if (!this.#guard.holds(token)) return fenced;
      const head = this.#head(unit);
      if (head.lastCommitId === commit.commitId) return { kind: 'replayed', version: head.version };
      if (head.version !== commit.expectVersion) return { kind: 'conflict', version: head.version };
      const next = afterCommit(head, commit);
      void this.#log.put([unit, next.version], record);
      for (let version = head.keptFrom; version < next.keptFrom; version++) void this.#log.remove([unit, version]);
      if (commit.ids !== null) void this.#ids.put([unit, commit.ids.slice, next.version], commit.ids.text);
      for (const slice of commit.dropSlices) this.#dropSlice(unit, slice);
      for (const { group, items, bytes } of blobs) void this.#outbox.put([unit, group, next.version, items, bytes.length], bytes);
      this.#putHead(unit, next);
      this.#guard.extend(token, commit.leaseTtlMs);
      return { kind: 'ok', version: next.version };
    });
  }

  async clearOutbox(token: LeaseToken, group: string, version: number): Promise<Guarded<null>> {
    for (;;) {
      const removed = await this.#environment.transact(() => {
        if (!this.#guard.holds(token)) return null;
        const start = [token.unit, group, 0];
        const keys = [...this.#outbox.getKeys({ start, end: [token.unit, group, version + 1], limit: clearPerTransaction })];
        for (const key of keys) void this.#outbox.remove(key);
        return keys.length;
      });
      if (removed === null) return fenced;
      if (removed < clearPerTransaction) return { kind: 'ok', value: null };
    }
  }

  async describe(unit: Unit): Promise<{ version: number; outboxItems: number; outboxBytes: number }> {
    this.#environment.refresh();
    let outboxItems = 0;
    let outboxBytes = 0;
    for (const key of this.#outbox.getKeys(allOf(unit))) {
      const [, , , items, bytes] = key as unknown as OutboxKey;
      outboxItems += items;
      outboxBytes += bytes;
    }
    return { version: this.#head(unit).version, outboxItems, outboxBytes };
  }

  /** As one record of the log, in one transaction: a partition moves while nobody runs, so nobody waits for it. */
  async reseed(token: LeaseToken, whole: WholePartition): Promise<Reseeded> {
    const { unit } = token;
    const { version, cursor, ids } = whole;
    const record = encodeRecord({ set: [...whole.states], del: [], rolling: [], cursor: cursor ?? '' });
    const dropped = await this.drop(token, version);
    if (dropped.kind === 'fenced') return fenced;
    return this.#environment.transact((): Reseeded => {
      if (!this.#guard.holds(token)) return fenced;
      const stands = this.#head(unit).version;
      if (stands >= version) return { kind: 'newer', version: stands };
      void this.#log.put([unit, version], record);
      // Numbered from below, so that they stand before whatever a later commit appends.
      ids.forEach(([slice, text], index) => void this.#ids.put([unit, slice, index - ids.length], text));
      for (const { group, version: of, items, text } of whole.outbox) {
        const bytes = Buffer.from(text);
        void this.#outbox.put([unit, group, of, items, bytes.length], bytes);
      }
      this.#putHead(unit, wholeAt(version, whole.lastCommitId));
      return { kind: 'ok' };
    });
  }

  /** The head goes last: who reads half of the rest before that must find it missing, and does not hold the lease. */
  async drop(token: LeaseToken, below = Number.POSITIVE_INFINITY): Promise<Guarded<null>> {
    const { unit } = token;
    for (;;) {
      const left = await this.#environment.transact(() => {
        if (!this.#guard.holds(token)) return null;
        if (this.#head(unit).version >= below) return 0;
        let removed = 0;
        for (const table of [this.#log, this.#ids, this.#outbox]) {
          const keys = [...table.getKeys({ ...allOf(unit), limit: dropPerTransaction })];
          for (const key of keys) void table.remove(key);
          removed += keys.length;
        }
        if (removed === 0) void this.#heads.remove(unit);
        return removed;
      });
      if (left === null) return fenced;
      if (left === 0) return { kind: 'ok', value: null };
    }
  }

  /** The environment belongs to whoever opened it. */
  async close(): Promise<void> {}

  #head(unit: Unit): LogHead {
    const text = this.#heads.get(unit);
    return text === undefined ? emptyHead : (JSON.parse(text) as LogHead);
  }

  #putHead(unit: Unit, head: LogHead): void {
    void this.#heads.put(unit, JSON.stringify(head));
  }

  // The next owner may trim while a fenced one still reads; for the owner itself a hole means a damaged file.
  #missing(token: LeaseToken, version: number): Guarded<never> {
    this.#environment.refresh();
    if (!this.#guard.holds(token)) return fenced;
    throw new Fault('fatal', 'state_damaged', `the state log of ${token.unit} lacks version ${version}`);
  }

  #dropSlice(unit: Unit, slice: number): void {
    const keys = [...this.#ids.getKeys({ start: [unit, slice, 0], end: [unit, slice, endOfRange] })];
    for (const key of keys) void this.#ids.remove(key);
  }

  #readOutbox(unit: Unit): OutboxEntry[] {
    const entries: OutboxEntry[] = [];
    for (const { key, value } of this.#outbox.getRange(allOf(unit))) {
      const [, group, version, items] = key as unknown as OutboxKey;
      entries.push({ group, version, items, text: Buffer.from(value).toString() });
    }
    return entries.sort((a, b) => a.version - b.version);
  }

  #readIds(unit: Unit): (readonly [number, string])[] {
    const rows = [...this.#ids.getRange(allOf(unit))].map(({ key, value }) => ({ key: key as [Unit, number, number], value }));
    rows.sort((a, b) => a.key[2] - b.key[2]);
    return rows.map(({ key, value }) => [key[1], value] as const);
  }
}

type OutboxKey = readonly [unit: Unit, group: string, version: number, items: number, bytes: number];

// Text sorts after numbers in the key order, and no unit is a prefix element of another: keys are arrays.
function allOf(unit: Unit): { start: [Unit]; end: [Unit, string] } {
  return { start: [unit], end: [unit, '\uffff'] };
}
