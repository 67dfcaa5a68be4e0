import type { Clock } from '../lib/clock.ts';
import { linkedAbort } from '../lib/linked-abort.ts';
import { retryLoop } from '../lib/retry-loop.ts';
import { joinText, type TextPiece } from '../lib/text-pieces.ts';
import { classify } from '../model/faults.ts';
import type { Item } from '../model/item.ts';
import type { OutputTraces } from '../model/output-traces.ts';
import type { TextForm } from '../publishers/publisher.ts';
import type { Emit } from '../telemetry/events.ts';
import { type ItemCodec, printerOf } from './item-codec.ts';
import type { Lane, LaneSignals, LaneStatus, Offered, Outcome } from './lane.ts';
import { countOf, type TextBlob, textsOf } from './lane-queue.ts';
import type { HeldRow, LocalOutbox } from './local-outbox.ts';
import { Room } from './room.ts';
import { type Tell, tellAbout } from './tell.ts';
import { splitUnspeakable } from './unspeakable.ts';

export interface HoldingLaneOptions {
  readonly lane: Lane;
  readonly outbox: LocalOutbox;
  readonly sink: string;
  readonly codec: ItemCodec;
  readonly emit: Emit;
  readonly clock: Clock;
  readonly random: () => number;
  /** How much may wait in memory and, unless `spill`, in all. */
  readonly maxOutboxBytes: number;
  readonly onFull: 'suspend' | 'spill' | 'drop';
  /** `accept` waits so long for the target itself before it holds on disk. */
  readonly holdAfterMs: number;
}

const feedAtOnce = 64;
/** Made once: an abort without a reason makes a DOMException with a stack, and this one happens with every batch. */
const enough = new Error('the target was quicker');

/**
 * A lane with the local disk behind it, for direct sinks, which have no topic that would keep what a target does not take, and for
 * `on_full: spill`.
 *
 * Order: once something waits on disk that is not in memory yet, everything later goes to disk as well, until the disk is fed out.
 * What is on disk stays there until the target accepted it; a process that dies leaves it to the next one.
 */
export class HoldingLane implements Lane {
  readonly name: string;
  readonly takes: TextForm | undefined;
  readonly #options: HoldingLaneOptions;
  readonly #tell: Tell;
  readonly #room = new Room();
  readonly #work = new Room();
  /** Rows that have a copy in memory; the feeder leaves them out. */
  readonly #copies = new Set<number>();
  /** Everything up to here was fed into memory. */
  #fedUpTo = 0;
  /** Up to here we know which rows are copies: a row is on disk a moment before its `hold` returns. */
  #heldUpTo: number;
  #unfedBytes: number;
  /** Holds under way, in order. */
  #holds: Promise<unknown> = Promise.resolve();
  #holding = 0;
  readonly #releases = new Set<Promise<void>>();
  readonly #ended = new AbortController();
  #leave: AbortSignal = this.#ended.signal;

  constructor(options: HoldingLaneOptions) {
    this.name = options.lane.name;
    this.takes = options.lane.takes;
    this.#options = options;
    this.#unfedBytes = options.outbox.bytes;
    this.#heldUpTo = options.outbox.last;
    this.#tell = tellAbout({ name: this.name, sink: options.sink, emit: options.emit });
  }

  offer(blob: Offered): Promise<Outcome> {
    if (countOf(blob) === 0) return Promise.resolve('done');
    if (!this.#mustHold()) return this.#offerToMemory(blob);
    const { good, bad } = splitUnspeakable(blob, this.#options.codec, this.takes);
    // What has no line cannot be held; the lane in memory makes dead letters of it.
    if (bad.length > 0) return this.#offerToMemory(blob);
    return this.#hold(good, false).then(
      (seq) => (seq === null ? 'left' : 'done'),
      () => 'left', // the fault ended the lane and stands in its end
    );
  }

  /**
   * For direct sinks: resolves once the target has the items, or the disk. Waits at the bound, so that the input is no longer read.
   * Rejects with the signal's reason, or when the lane ended: the raw message is given back then. `lines` are the items' JSON Lines
   * when the caller has them.
   */
  async accept(
    items: readonly Item[],
    signal: AbortSignal,
    replay = false,
    lines?: string,
    traces?: OutputTraces,
  ): Promise<void> {
    const blob = { key: '', items, replay, traces };
    await this.#accept(lines === undefined ? blob : { ...blob, lines }, signal);
  }

  /** The text of items, as `acceptText` takes it. */
  print(items: readonly Item[]): string {
    return printerOf(this.#options.codec, this.takes)(items);
  }

  /** The same for what is text already, in the form that the target takes. Once it is `done` nobody reads it any more; what is `held` on disk may still be read from memory. */
  acceptText(
    texts: readonly TextPiece[],
    count: number,
    signal: AbortSignal,
    replay: boolean,
    traces?: OutputTraces,
  ): Promise<'done' | 'held'> {
    const blob: TextBlob = { key: '', count, texts, replay, traces };
    return this.#accept(blob, signal);
  }

  async #accept(offered: Offered, signal: AbortSignal): Promise<'done' | 'held'> {
    if (countOf(offered) === 0) return 'done';
    const { onFull, clock, holdAfterMs, lane } = this.#options;
    if (onFull !== 'drop') await this.whenRoom(signal);
    signal.throwIfAborted();
    const { good: blob, bad } = splitUnspeakable(offered, this.#options.codec, this.takes);
    if (bad.length > 0) await this.#offerToMemory({ key: '', items: bad.map(({ item }) => item), replay: blob.replay });
    if (countOf(blob) === 0) return 'done';
    if (this.#mustHold()) {
      if ((await this.#hold(blob, false)) === null) throw this.#ended.signal.reason ?? signal.reason;
      return 'held';
    }
    const accepted = this.#offerToMemory(blob);
    const patience = linkedAbort(signal);
    // A target that just failed is not waited for: that would slow the input down to nothing while it is away.
    const waitMs = lane.status().failures > 0 ? 0 : holdAfterMs;
    const late = clock.sleep(waitMs, patience.signal).then(
      () => 'late' as const,
      () => 'late' as const, // stopped: then the disk takes it as well
    );
    const outcome = await Promise.race([accepted, late]);
    patience.abort(enough);
    patience.release();
    if (outcome === 'done') return 'done';
    const seq = await this.#hold(blob, true);
    if (seq === null) throw this.#ended.signal.reason ?? signal.reason;
    this.#releaseAfter(accepted, seq);
    return 'held';
  }

  full(): boolean {
    const { lane, outbox, maxOutboxBytes, onFull } = this.#options;
    if (onFull === 'spill') return outbox.full;
    return lane.status().pendingBytes + this.#unfedBytes >= maxOutboxBytes;
  }

  whenRoom(signal: AbortSignal): Promise<void> {
    return this.#room.wait(signal, () => !this.full() || this.#ended.signal.aborted);
  }

  status(): LaneStatus {
    const { items: heldItems, bytes: heldBytes } = this.#options.outbox;
    return { ...this.#options.lane.status(), heldItems, heldBytes };
  }

  /** On a soft stop what is in memory goes out and what is on disk stays there. */
  async run({ soft, hard }: LaneSignals): Promise<void> {
    const broken = new AbortController();
    const leave = AbortSignal.any([hard, broken.signal]);
    this.#leave = leave;
    const stop = AbortSignal.any([soft, leave, this.#ended.signal]);
    const feeding = this.#feed(stop).catch((error: unknown) => broken.abort(error));
    try {
      await this.#options.lane.run({ soft, hard: leave });
      await Promise.all(this.#releases);
    } finally {
      this.#ended.abort(new DOMException('the lane has ended', 'AbortError'));
      this.#room.open();
      await feeding;
      await this.#holds;
      await Promise.all(this.#releases);
    }
    if (broken.signal.aborted) throw broken.signal.reason;
  }

  #mustHold(): boolean {
    if (this.#holding > 0 || this.#unfedBytes > 0) return true;
    return this.#options.onFull === 'spill' && this.#options.lane.full();
  }

  async #offerToMemory(blob: Offered): Promise<Outcome> {
    const outcome = await this.#options.lane.offer(blob);
    this.#room.open();
    return outcome;
  }

  /** Resolves with the row once it is flushed, or `null` when the lane ends before: a full disk is waited for. */
  #hold(blob: Offered, isCopy: boolean): Promise<number | null> {
    const { outbox, codec, clock, random } = this.#options;
    const count = countOf(blob);
    const lines = joinText(textsOf(blob, codec, this.takes));
    if (!isCopy) this.#holding += 1;
    const held = this.#holds.then(async () => {
      const retryable = (thrown: unknown) => (classify(thrown).class === 'retryable' ? 0 : undefined);
      const loop = { clock, random, signal: this.#ended.signal, baseMs: 50, capMs: 1000, retryable };
      try {
        const seq = await retryLoop(loop, () => outbox.hold(lines, count));
        this.#heldUpTo = seq;
        if (isCopy) this.#copies.add(seq);
        else this.#unfedBytes += lines.length;
        this.#tell('publish:held', { items: count, bytes: lines.length });
        return seq;
      } catch (error) {
        if (this.#ended.signal.aborted) return null;
        throw error;
      } finally {
        if (!isCopy) this.#holding -= 1;
        this.#work.open();
      }
    });
    this.#holds = held.catch(() => undefined); // the caller has it
    return held;
  }

  async #feed(stop: AbortSignal): Promise<void> {
    const { lane, outbox, codec } = this.#options;
    while (!stop.aborted) {
      await this.#work.wait(stop, () => this.#unfedBytes > 0);
      if (lane.full()) await lane.whenRoom(stop);
      if (stop.aborted) return;
      for (const row of outbox.read(this.#fedUpTo, feedAtOnce)) {
        if (row.seq > this.#heldUpTo) break;
        this.#fedUpTo = row.seq;
        if (this.#copies.has(row.seq)) continue;
        this.#unfedBytes -= row.lines.length;
        // Not its text, which may be of another form: this lane may have had another target when it was held.
        const items = codec.parse(row.lines);
        this.#releaseAfter(this.#offerToMemory({ key: `held ${row.seq}`, items, replay: row.old }), row.seq);
        if (lane.full()) break;
      }
    }
  }

  #releaseAfter(accepted: Promise<Outcome>, seq: HeldRow['seq']): void {
    const { outbox, clock, random } = this.#options;
    const release = accepted.then(async (outcome) => {
      if (outcome === 'left') return;
      const retryable = (thrown: unknown) => (classify(thrown).class === 'retryable' ? 0 : undefined);
      const loop = { clock, random, signal: this.#leave, baseMs: 50, capMs: 1000, retryable };
      // A row that cannot be removed before the end is published again by the next process, under the same ids.
      await retryLoop(loop, () => outbox.release([seq])).catch(() => undefined);
      this.#copies.delete(seq);
      this.#room.open();
    });
    this.#releases.add(release);
    void release.finally(() => this.#releases.delete(release));
  }
}
