import { Fault } from '../model/faults.ts';

/**
 * The internal topic of a sink: P partitions, each ordered, durable, bounded, read by exactly one owner at a time. RabbitMQ quorum
 * queues, Kafka topics and the embedded log stand behind this one port; what differs is declared in `capabilities`.
 *
 * Promises of every adapter (suite: `test/contract/topics.contract.ts`):
 * - An append is confirmed only when it is durable and the entry before it in the same appender is confirmed (cumulative).
 *   After a failure the appender resends from the first unconfirmed entry, bytes unchanged (go-back-N), so an entry may stand
 *   in the topic twice but never out of order with a gap that stays: the reader applies only `last + 1` per listener boot.
 * - Entries come in order of offset. Offsets increase and may have holes. After a lost attachment, unsettled entries come again.
 * - At its bound a topic refuses (`append` waits and says `bounded`), it never deletes unread entries.
 * - Position is not the adapter's: the commit keeps it. For logs the caller attaches at its anchor (offset + fingerprint of the
 *   last applied entry) and the adapter delivers that entry first, so that the caller can prove that nothing was cut.
 * - Nothing creates a topic but `create` (`topics apply`, or the agent that won the layout's compare-and-set). A missing one is a
 *   retryable fault of code `no_topic` for writer and reader alike.
 */
export interface TopicCapabilities {
  /** `queue`: settled entries are gone and unsettled ones come back by themselves. `log`: offsets can be read again. */
  readonly kind: 'queue' | 'log';
  /** Can `attach` start at the genesis entry again? */
  readonly rewind: boolean;
  /** The broker itself refuses a second consumer. */
  readonly singleActiveConsumer: boolean;
}

/** One partition of one layout generation of a sink's topic. `name` is `cg.<cluster>.<sink>.g<generation>.p<partition>`. */
export interface PartitionRef {
  readonly cluster: string;
  readonly sink: string;
  readonly generation: number;
  readonly partition: number;
}

export function partitionName(ref: PartitionRef): string {
  return `cg.${ref.cluster}.${ref.sink}.g${ref.generation}.p${ref.partition}`;
}

/** The reverse; null for any other text. */
export function parsePartitionName(name: string): PartitionRef | null {
  const [, cluster, sink, generation, partition] = /^cg\.([^.]+)\.([^.]+)\.g(\d+)\.p(\d+)$/.exec(name) ?? [];
  if (cluster === undefined || sink === undefined) return null;
  return { cluster, sink, generation: Number(generation), partition: Number(partition) };
}

/** All partitions of a layout. */
export function partitionRefs(cluster: string, sink: string, generation: number, partitions: number): PartitionRef[] {
  return Array.from({ length: partitions }, (_, partition) => ({ cluster, sink, generation, partition }));
}

/** An entry as the reader gets it. `settleToken` is the adapter's; hand it back to `settle`. */
export interface Received {
  /** Increasing within the partition; a queue adapter numbers what it delivers. */
  readonly offset: number;
  readonly bytes: Uint8Array;
  /** The broker has delivered it before (queues); proves nothing when false. */
  readonly redelivered: boolean;
  /** Why the adapter does not vouch for it: nobody of this cluster wrote it, or somebody changed it. Never apply it; settle it. */
  readonly refused?: string;
}

export interface Appender {
  /**
   * Resolves once these and all earlier entries are confirmed. Retries by itself until the signal aborts. `mayGo` is asked right before
   * anything is sent, at every attempt; once it says no, nothing more of these is sent and the append fails (`custody_lost`).
   */
  append(
    entries: readonly { readonly partition: PartitionRef; readonly bytes: Uint8Array }[],
    signal: AbortSignal,
    mayGo?: () => boolean,
  ): Promise<void>;
  close(): Promise<void>;
}

export function custodyLost(): Fault {
  return new Fault('retryable', 'custody_lost', 'what the entries were made of may be with another listener by now');
}

export interface Attachment {
  /** The next entries in order, at most `max`, waiting until there is one; an empty array when the wait of `waitMs` ran out. */
  read(max: number, waitMs: number, signal: AbortSignal): Promise<readonly Received[]>;
  /** Entries up to and including this offset are durably applied: a queue acks, a log may trim. */
  settle(offset: number): Promise<void>;
  /** Unsettled entries will come again, here or at the next owner. */
  close(): Promise<void>;
}

export interface PartitionStats {
  readonly entries: number;
  readonly bytes: number;
  readonly boundBytes: number;
  readonly oldestAtMs: number | null;
}

export interface Topics {
  readonly capabilities: TopicCapabilities;
  /** Creates the partitions that are missing, each with its genesis entry first. Idempotent: an existing one is left as it is. */
  create(refs: readonly PartitionRef[], genesis: (ref: PartitionRef) => Uint8Array, boundBytes: number): Promise<void>;
  /** Every partition that exists for this cluster, to show and to compare with the layout. */
  list(cluster: string): Promise<readonly PartitionRef[]>;
  openAppender(): Promise<Appender>;
  /** From the start (`null`), or at the anchor's offset: the anchor entry itself is delivered first. Queues ignore `from`. */
  attach(ref: PartitionRef, from: number | null, prefetch: number): Promise<Attachment>;
  /**
   * `mayBeTakenOver`: somebody may begin to read at any moment. Then a queue that nobody reads is not looked into: its first entry, in our hands meanwhile, would
   * come to that reader behind all it takes at first. So its age is not known, and its genesis entry counts.
   */
  stats(ref: PartitionRef, mayBeTakenOver?: boolean): Promise<PartitionStats>;
  /** Removes an empty partition of an old generation; refuses while it holds entries. */
  retire(ref: PartitionRef): Promise<void>;
  close(): Promise<void>;
}
