import type { Clock } from '../lib/clock.ts';
import type { TextPiece } from '../lib/text-pieces.ts';
import type { Item, ItemKind } from '../model/item.ts';
import type { JsonObject } from '../model/json.ts';
import type { MailAcceptor } from '../model/mail.ts';
import type { OutputTraces } from '../model/output-traces.ts';
import type { Answer, Request } from './http-exchange.ts';

/**
 * A target. `publish` resolves when the target has the whole batch durably, and only then; a thrown Fault says what to do:
 * `retryable` (the lane retries with jitter behind a breaker; the batch comes again, same items, same ids), `poison` (these items
 * will never be taken: dead letters, the next batch goes on), `fatal`. Every item can come more than once: carry its id to the
 * target (idempotency key, message id, primary key).
 *
 * Suite: `test/contract/publisher.contract.ts`.
 */
export interface Batch {
  readonly count: number;
  /** About how much it comes to. */
  readonly bytes: number;
  /** Read from the text at the first call where the publisher `takes` text. */
  readonly items: readonly Item[];
  /** The items as JSON Lines (wire model, one line each with newline), encoded once per batch for all publishers. */
  readonly lines: () => string;
  /** The same in pieces, each of whole lines, for who can write one after the other: joining them copies all of it. */
  readonly texts: () => readonly TextPiece[];
  /** The items as Ceilometer's signed messages (JSON texts, `metering` or `event` wire model), encoded at the first call. */
  readonly messages: () => readonly string[];
  /** The same in pieces, each of whole lines with one message and its newline. */
  readonly messageTexts: () => readonly TextPiece[];
  /** The same with the publisher's name in each, signed too: what Ceilometer's `tcp://` sends. */
  readonly messagesFrom: (publisherId: string) => readonly string[];
  /** What Ceilometer's file publisher writes, one text per item without a newline: JSON, or the text of a Python dict. */
  readonly fileTexts: (form: 'json' | 'python') => readonly string[];
  /** Stable over retries of this batch: a hash of the ids, or of the text where there is only that. For idempotency headers. */
  readonly id: string;
  /**
   * Some of it may stand at the target already: read back from an outbox after a crash, or a try that failed. A target that can look
   * (the file) then leaves out what it has; the others go by the ids.
   */
  readonly replay?: boolean;
  /** Where a target has a place for it beside the items, it gets it. */
  readonly traces?: OutputTraces | undefined;
}

/** What would leave for a target that is neither a server for HTTP nor a mailbox, whole: a message, a row, a run of lines. */
export interface Handed {
  /** Where to, in the target's own words. */
  readonly to: JsonObject;
  /** Text, or MessagePack. */
  readonly body: string | Uint8Array;
}

export type Hand = (handed: Handed) => Promise<void>;

export interface PublisherContext {
  readonly name: string;
  readonly sink: string;
  readonly kind: ItemKind;
  readonly clock: Clock;
  readonly random: () => number;
  /** Relative paths of the configuration are meant from here. */
  readonly baseDir: string;
  /** The data directory of the agent. */
  readonly dataDir?: string | undefined;
  /** The key by which the sink is partitioned, as text; for targets that keep an order by key. */
  readonly partitionKey?: (item: Item) => string;
  /** What takes mails, where the agent has it. */
  readonly mail?: MailAcceptor;
  /** Answers in place of every HTTP server; then no file with a token or certificate is read. */
  readonly ask?: (request: Request) => Promise<Answer>;
  /** Takes what would leave for any other target; then nothing is connected, and no file is read or written. */
  readonly hand?: Hand;
  /** It will only be probed: opening it must leave nothing behind either. */
  readonly onlyToProbe?: boolean;
}

/** Text of one line per item: JSON Lines, or Ceilometer's signed messages. */
export type TextForm = 'lines' | 'messages';

export interface Publisher {
  /** It takes this text as it is while all goes well: what waits for it is kept as text alone, which costs less memory and time. */
  readonly takes?: TextForm;
  publish(batch: Batch, signal: AbortSignal): Promise<void>;
  /** Can the target be reached and would it take something? For `check --connect`. Throws a Fault that says what is wrong. */
  probe(signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

export interface PublisherKind<P> {
  readonly name: string;
  readonly summary: string;
  open(parameters: P, context: PublisherContext): Promise<Publisher>;
}

/** Thrown by `publish` when only some items are at fault: the others are published, these become dead letters. */
export class PartialFault extends Error {
  override readonly name = 'PartialFault';
  readonly failed: ReadonlyMap<number, string>;
  constructor(failed: ReadonlyMap<number, string>) {
    super(`${failed.size} items refused by the target`);
    this.failed = failed;
  }
}
