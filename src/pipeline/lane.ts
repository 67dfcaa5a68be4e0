import type { RetryPolicy } from '../core/fault/decide.ts';
import type { Clock } from '../lib/clock.ts';
import { linkedAbort } from '../lib/linked-abort.ts';
import { joinText } from '../lib/text-pieces.ts';
import { joinTraces } from '../model/output-traces.ts';
import type { Publisher, TextForm } from '../publishers/publisher.ts';
import type { Emit } from '../telemetry/events.ts';
import { makeBatch, textBatch } from './batch.ts';
import { bury } from './bury.ts';
import type { DeadLetters } from './dead-letters.ts';
import { Delivery, type DeliveryStatus } from './delivery.ts';
import type { ItemCodec } from './item-codec.ts';
import { type BatchLimits, countOf, LaneQueue, type Offered, type Piece } from './lane-queue.ts';
import { Room } from './room.ts';
import { type Tell, tellAbout } from './tell.ts';
import { splitUnspeakable } from './unspeakable.ts';

export type { Blob, Offered } from './lane-queue.ts';

/** `done`: accepted by the target, dead-lettered, dropped as configured, or held on disk. `left`: not, we are leaving. */
export type Outcome = 'done' | 'left';

/** `soft`: end once nothing waits. `hard`: leave now. */
export interface LaneSignals {
  readonly soft: AbortSignal;
  readonly hard: AbortSignal;
}

export interface LaneStatus extends DeliveryStatus {
  readonly name: string;
  readonly pendingItems: number;
  readonly pendingBytes: number;
  readonly heldItems: number;
  readonly heldBytes: number;
}

/** What delivers to one publisher of one sink, in the order of the offers. */
export interface Lane {
  readonly name: string;
  /** Its publisher takes text of this form: no items need be kept for it. */
  readonly takes: TextForm | undefined;
  /** Never rejects. Takes beyond the bound as well: who offers asks `full` before it makes more. */
  offer(blob: Offered): Promise<Outcome>;
  full(): boolean;
  /** Resolves when there is room, and also when the signal aborts. */
  whenRoom(signal: AbortSignal): Promise<void>;
  /** Runs until stopped; rejects with a fatal Fault of the publisher. Whatever waits then is `left`. */
  run(signals: LaneSignals): Promise<void>;
  status(): LaneStatus;
}

export interface LaneOptions {
  readonly name: string;
  readonly sink: string;
  readonly publisher: Publisher;
  readonly codec: ItemCodec;
  readonly deadLetters: Pick<DeadLetters, 'record'>;
  readonly emit: Emit;
  readonly clock: Clock;
  readonly random: () => number;
  readonly batch: BatchLimits & { readonly lingerMs: number };
  readonly maxOutboxBytes: number;
  readonly onFull: 'suspend' | 'drop';
  readonly retry?: RetryPolicy;
}

/**
 * A lane that keeps what waits in memory: whoever offers has it on disk, in the outbox of a commit. One batch is in flight at a time,
 * so the order stands and a retry cannot overtake. An offer is done only after the target accepted it or its dead letters are on
 * disk; whoever offered clears its outbox then.
 */
export class MemoryLane implements Lane {
  readonly name: string;
  readonly takes: TextForm | undefined;
  readonly #options: LaneOptions;
  readonly #queue: LaneQueue;
  readonly #room = new Room();
  readonly #work = new Room();
  readonly #delivery: Delivery;
  readonly #tell: Tell;
  readonly #ended = new AbortController();
  readonly #onItsWay = new Map<string, Promise<Outcome>>();
  #toldFull = false;

  constructor(options: LaneOptions) {
    this.name = options.name;
    this.#options = options;
    this.takes = options.publisher.takes;
    this.#queue = new LaneQueue(options.batch, options.codec, this.takes);
    this.#tell = tellAbout(options);
    this.#delivery = new Delivery(options);
  }

  /** A partition that is taken up again replays what is still on its way here: that must not grow with every try. */
  offer(blob: Offered): Promise<Outcome> {
    const onItsWay = this.#onItsWay.get(blob.key);
    if (onItsWay !== undefined) return onItsWay;
    const outcome = this.#take(blob);
    if (blob.key !== '') {
      this.#onItsWay.set(blob.key, outcome);
      void outcome.then(() => this.#onItsWay.delete(blob.key));
    }
    return outcome;
  }

  #take(blob: Offered): Promise<Outcome> {
    if (countOf(blob) === 0) return Promise.resolve('done');
    if (this.#ended.signal.aborted) return Promise.resolve('left');
    if (this.#options.onFull === 'drop' && this.full()) {
      this.#tell('publish:dropped', { reason: 'outbox_full', items: countOf(blob) });
      return Promise.resolve('done');
    }
    const { good, bad } = splitUnspeakable(blob, this.#options.codec, this.takes);
    if (bad.length === 0) return this.#enqueue(good);
    const now = this.#options.clock.now();
    const buried = bury(this.#options, bad, 'unspeakable', now, bad[0]?.error, this.#ended.signal);
    return Promise.all([this.#take(good), buried]).then(
      ([outcome]) => outcome,
      () => 'left', // the letters are not on disk and we are leaving
    );
  }

  #enqueue(blob: Offered): Promise<Outcome> {
    return new Promise((resolve) => {
      this.#queue.add(blob, this.#options.clock.now(), resolve);
      this.#work.open();
      this.#noteFull();
    });
  }

  full(): boolean {
    return this.#queue.bytes >= this.#options.maxOutboxBytes;
  }

  whenRoom(signal: AbortSignal): Promise<void> {
    return this.#room.wait(signal, () => !this.full() || this.#ended.signal.aborted);
  }

  status(): LaneStatus {
    const { items: pendingItems, bytes: pendingBytes } = this.#queue;
    return { name: this.name, pendingItems, pendingBytes, heldItems: 0, heldBytes: 0, ...this.#delivery.status() };
  }

  async run({ soft, hard }: LaneSignals): Promise<void> {
    const either = AbortSignal.any([soft, hard]);
    try {
      while (!hard.aborted) {
        await this.#work.wait(either, () => this.#queue.items > 0);
        if (this.#queue.items === 0) break;
        const pieces = await this.#gather(either);
        if (hard.aborted) break;
        await this.#deliverPieces(pieces, hard);
        this.#queue.finish(pieces, 'done');
        this.#noteFull();
      }
    } catch (error) {
      if (!hard.aborted) throw error;
    } finally {
      this.#ended.abort(new DOMException('the lane has ended', 'AbortError'));
      this.#queue.finishAll('left');
      this.#room.open();
    }
  }

  /** What is there goes at once; a configured linger waits for more while the batch is not full and nobody stops us. */
  async #gather(stop: AbortSignal): Promise<readonly Piece[]> {
    const { pieces, full } = this.#queue.peek();
    const { lingerMs } = this.#options.batch;
    if (full || lingerMs === 0 || stop.aborted) return pieces;
    const patience = new AbortController();
    const over = this.#options.clock.sleep(lingerMs, patience.signal).then(
      () => patience.abort(),
      () => undefined, // filled or stopped before
    );
    const either = linkedAbort(stop, patience.signal);
    await this.#work.wait(either.signal, () => this.#queue.peek().full);
    either.release();
    patience.abort();
    await over;
    return this.#queue.peek().pieces;
  }

  async #deliverPieces(pieces: readonly Piece[], hard: AbortSignal): Promise<void> {
    const { codec } = this.#options;
    const count = pieces.reduce((sum, piece) => sum + piece.count, 0);
    const items = pieces.every((piece) => piece.items !== null) ? pieces.flatMap((piece) => piece.items ?? []) : null;
    const texts = pieces.flatMap((piece) => piece.texts);
    const replay = pieces.some((piece) => piece.replay);
    const firstSeen = pieces[0]?.firstSeen ?? this.#options.clock.now();
    const traces = joinTraces(pieces);
    const batch =
      items === null
        ? textBatch(texts, count, codec, replay, this.takes, traces)
        : makeBatch(items, codec, replay, joinText(texts), traces);
    await this.#delivery.deliver(batch, firstSeen, hard);
  }

  #noteFull(): void {
    const full = this.full();
    const { items, bytes } = this.#queue;
    this.#tell('publish:pending', { items, bytes });
    if (!full) this.#room.open();
    if (full === this.#toldFull) return;
    this.#toldFull = full;
    this.#tell(full ? 'publish:full' : 'publish:room', { bytes });
  }
}
