import type { LeaseToken, Unit } from '../coordination/group.ts';

/** Values of `null` are deletions: stores that keep a log hand over a key once per change, and the last one counts. */
export type StateChunk = readonly (readonly [key: string, value: string | null])[];

/**
 * The state of a partition: transformer states, position, dedupe ids and outbox, changed together in one guarded write.
 *
 * Promises (suite: `test/contract/partition-store.contract.ts`):
 * - `commit` is atomic and durable before it answers `ok`. It answers `fenced` and changes nothing unless agent, boot, epoch and
 *   incarnation of the token are those of the lease; `conflict` unless `expectVersion` is the stored version. The same `commitId`
 *   as the last one is `replayed`: done already, nothing is changed. A commit renews the lease.
 * - `load` and `noteStart` are guarded the same way.
 * - The outbox of a commit stands until every publisher group of it was cleared.
 * - Values are text (lossless JSON) the store does not look into.
 */
export interface Commit {
  readonly expectVersion: number;
  readonly commitId: string;
  /** Changed transformer states only. */
  readonly set: readonly (readonly [key: string, value: string])[];
  readonly del: readonly string[];
  /**
   * For stores with `rollingKeys > 0`: that many further keys with their values *as of this commit*, walking round and round over
   * all keys; `roundStart` is true on the first commit of a round, `roundEnd` on its last. Whoever loads goes on with the round that is
   * open, or begins a new one, and the open one counts for nothing. A restart reads the last whole round and what came after it.
   */
  readonly rolling: readonly (readonly [key: string, value: string])[];
  readonly roundStart: boolean;
  readonly roundEnd: boolean;
  /** Positions per listener boot, anchor, partition time, watermark, configuration hash: small, rewritten whole. */
  readonly cursor: string;
  /** Appended to the open slice of the id log; whole slices are dropped. */
  readonly ids: { readonly slice: number; readonly text: string } | null;
  readonly dropSlices: readonly number[];
  /** One blob per publisher group that got something. */
  readonly outbox: readonly OutboxBlob[];
  readonly leaseTtlMs: number;
}

export interface OutboxBlob {
  readonly group: string;
  readonly items: number;
  readonly text: string;
}

export interface OutboxEntry extends OutboxBlob {
  /** The version of the commit that wrote it: the order of publishing. */
  readonly version: number;
}

export interface Loaded {
  readonly version: number;
  readonly cursor: string | null;
  readonly outbox: readonly OutboxEntry[];
  /** `(slice, text)` in the order they were appended. */
  readonly ids: readonly (readonly [slice: number, text: string])[];
  /** Owners that began to apply entries (`noteStart`) and never came to the next commit: 0 in ordinary life. */
  readonly starts: number;
  /** What the last `noteStart` said; '' before the first. A commit leaves it. */
  readonly suspects: string;
}

/** All that an owner holds of a partition after its last commit. */
export interface WholePartition {
  readonly version: number;
  readonly lastCommitId: string;
  readonly cursor: string | null;
  readonly states: Iterable<readonly [key: string, value: string]>;
  readonly ids: readonly (readonly [slice: number, text: string])[];
  readonly outbox: readonly OutboxEntry[];
}

/** `newer`: the store holds this version or a later one, and keeps it. */
export type Reseeded =
  | { readonly kind: 'ok' }
  | { readonly kind: 'newer'; readonly version: number }
  | { readonly kind: 'fenced' };

export type Guarded<T> = { readonly kind: 'ok'; readonly value: T } | { readonly kind: 'fenced' };
export type CommitResult =
  | { readonly kind: 'ok'; readonly version: number }
  | { readonly kind: 'replayed'; readonly version: number }
  | { readonly kind: 'conflict'; readonly version: number }
  | { readonly kind: 'fenced' };

export interface PartitionStore {
  /** Keys per commit of the rolling checkpoint; 0: the store keeps every key apart and needs none. */
  readonly rollingKeys: number;
  /**
   * Reads everything; each state is handed to `onState` in chunks, so a million keys block nobody. `ofOpenRound`: this chunk, and all
   * after it, stand in commits of the round that is open: its walk needs only the keys that are in none of them.
   */
  load(token: LeaseToken, onState: (chunk: StateChunk, ofOpenRound: boolean) => void): Promise<Guarded<Loaded>>;
  /**
   * To be called before the first entries are applied, so that entries which kill every owner are found. Not by `load`: who comes and
   * goes without anything to do has died of nothing. `suspects` is the owner's, and short.
   */
  noteStart(token: LeaseToken, suspects: string): Promise<Guarded<null>>;
  commit(token: LeaseToken, commit: Commit): Promise<CommitResult>;
  /** Removes the outbox blobs of this group up to and including `version`. */
  clearOutbox(token: LeaseToken, group: string, version: number): Promise<Guarded<null>>;
  /** For `status`: version, keys if known, outbox bytes. Unguarded, read-only. */
  describe(unit: Unit): Promise<{ readonly version: number; readonly outboxItems: number; readonly outboxBytes: number }>;
  close(): Promise<void>;
}

/** For who only looks: operators, not owners. */
export interface PeekedPartitions {
  /** Every state as it is stored just now, unguarded. What its owner changes meanwhile may be seen before or after. */
  peek(unit: Unit, onState: (chunk: StateChunk) => void): Promise<void>;
}

/** For a store that may come back with less than it had. */
export interface RecoveredPartitions {
  /** The version that stood there when this incarnation began, before anybody wrote on; null where that is not known, or all was lost. */
  stoodAtRecovery(unit: Unit, incarnation: number): Promise<number | null>;
}

/** Beside the daily work: partitions as a whole, when they are moved, lost or given up. Guarded like everything else. */
export interface WholePartitions {
  /** Writes a whole partition in place of what is of a lower version; a writer that dies in it leaves nothing that anybody takes for the whole. */
  reseed(token: LeaseToken, whole: WholePartition): Promise<Reseeded>;
  /** Removes all that is stored of the unit; it is then as if it had never run. What a dying caller leaves, the next call removes. */
  drop(token: LeaseToken): Promise<Guarded<null>>;
}
