import { itemLines } from '../core/convert/wire.ts';
import type { Chain, ChainLetter } from '../core/transformers/chain.ts';
import type { TextPages } from '../lib/text-pages.ts';
import { joinText, type TextPiece } from '../lib/text-pieces.ts';
import type { Part } from '../model/entry.ts';
import type { Item } from '../model/item.ts';
import { joinTraces, markTrace, type OutputTraces } from '../model/output-traces.ts';
import type { DeadLetters } from './dead-letters.ts';
import type { HoldingLane } from './holding-lane.ts';
import type { Tally } from './tally.ts';
import { lineOf, speak, tracesBeside, type Unspeakable } from './unspeakable.ts';
import type { Traced, Watching } from './watching.ts';

/** What became of some notifications: the text for the targets, and the items only where somebody looks at them. */
export interface DirectOutput {
  readonly notifications: readonly Traced[];
  readonly text: TextPiece;
  readonly count: number;
  readonly items: readonly Item[] | null;
  readonly traces: OutputTraces | undefined;
  readonly letters: readonly ChainLetter[];
  readonly bad: readonly Unspeakable[];
}

/**
 * A sink without state, straight from the listener to its publishers: no topic, queue or log exists for it. `deliver` resolves once
 * every publisher has taken the output or holds it durably, so the raw message may be acknowledged; at their bound it waits, and
 * the input is no longer read.
 *
 * `compute` apart from `deliver`, because what waits for a disk outlives collections of garbage: where all targets take one text, the items of a
 * few notifications become garbage at once, while they are young, and only their text waits (CPU figures: decision 9).
 */
export class DirectSink {
  readonly #chain: Chain;
  readonly #lanes: readonly HoldingLane[];
  readonly #deadLetters: DeadLetters;
  readonly #sink: string;
  readonly #tally: Tally;
  readonly #watching: Watching | undefined;
  /** All targets take the text that this one prints. */
  readonly #printer: Pick<HoldingLane, 'print'> | null;

  constructor(
    chain: Chain,
    lanes: readonly HoldingLane[],
    deadLetters: DeadLetters,
    sink: string,
    tally: Tally,
    watching?: Watching,
  ) {
    this.#chain = chain;
    this.#lanes = lanes;
    this.#deadLetters = deadLetters;
    this.#sink = sink;
    this.#tally = tally;
    this.#watching = watching;
    this.#printer = commonPrinter(lanes);
  }

  /** What all targets take as one text is kept in `pages`. */
  compute(parts: readonly Part[], pages: TextPages): DirectOutput {
    const out: Item[] = [];
    let traces: (string | undefined)[] | undefined;
    const letters: ChainLetter[] = [];
    const time = { partition: 0, watermark: Number.NEGATIVE_INFINITY, now: 0 };
    for (const part of parts) {
      const result = this.#chain.applyNotification(part.id, part.items, time);
      if (part.trace !== undefined && result.out.length > 0)
        traces = markTrace(traces, out.length, out.length + result.out.length, part.trace);
      for (const item of result.out) out.push(item);
      for (const letter of result.letters) letters.push(letter);
      for (const drop of result.dropped) this.#tally.dropped += drop.count;
    }
    // Here, not in each lane: one dead letter of it, however many publishers there are.
    const { items, lines, bad } = speak(out, (some) => this.#printer?.print(some) ?? itemLines(some));
    const taps = this.#watching?.taps;
    const looksAt = this.#printer === null || (taps?.any === true && taps.looks('out', { sink: this.#sink }));
    // Without their items, which would live on in them.
    const notifications = parts.map(({ id, trace }): Traced => (trace === undefined ? { id } : { id, trace }));
    // Bytes lie outside of the heap that is collected.
    const text = this.#printer === null ? lines : pages.hold(lines);
    return {
      notifications,
      text,
      count: items.length,
      items: looksAt ? items : null,
      traces: tracesBeside(bad, traces),
      letters,
      bad,
    };
  }

  /**
   * `replay`: some of these may have been published before (a redelivered message). Returns whether nobody reads their text any more; after
   * an attempt that failed, lanes may do so for as long as they like.
   */
  async deliver(outputs: readonly DirectOutput[], replay: boolean, signal: AbortSignal): Promise<boolean> {
    for (const { letters, bad } of outputs) {
      for (const { reason, message, item, asItCame } of letters)
        await this.#letter(reason, message, lineOf(item, itemLines), asItCame);
      for (const one of bad) await this.#letter('unspeakable', one.message, one.text);
    }
    const count = outputs.reduce((sum, output) => sum + output.count, 0);
    let isRead = false;
    if (count > 0) {
      const texts = outputs.map((output) => output.text);
      const traces = joinTraces(outputs);
      if (this.#printer !== null) {
        const ways = await Promise.all(this.#lanes.map((lane) => lane.acceptText(texts, count, signal, replay, traces)));
        isRead = ways.includes('held');
      } else {
        const items = outputs.flatMap((output) => output.items ?? []);
        const lines = joinText(texts);
        await Promise.all(this.#lanes.map((lane) => lane.accept(items, signal, replay, lines, traces)));
      }
    }
    for (const { notifications, items, count } of outputs) this.#watching?.accepted(this.#sink, notifications, items, count);
    this.#tally.published += count;
    return !isRead;
  }

  async #letter(reason: string, message: string, line: string, asItCame?: true): Promise<void> {
    this.#tally.letters += 1;
    const body = new TextEncoder().encode(line);
    await this.#deadLetters.record({
      stage: 'transform',
      reason,
      message,
      sink: this.#sink,
      publisher: null,
      origin: null,
      messageId: null,
      body,
      ...(asItCame === true ? { asItCame } : {}),
    });
  }
}

function commonPrinter(lanes: readonly HoldingLane[]): HoldingLane | null {
  const [first] = lanes;
  if (first?.takes === undefined || lanes.some((lane) => lane.takes !== first.takes)) return null;
  return first;
}
