import { itemLines } from '../core/convert/wire.ts';
import type { Chain } from '../core/transformers/chain.ts';
import type { Part } from '../model/entry.ts';
import type { Item } from '../model/item.ts';
import type { DeadLetters } from './dead-letters.ts';
import type { HoldingLane } from './holding-lane.ts';
import type { Tally } from './tally.ts';
import { lineOf, speak } from './unspeakable.ts';
import type { Watching } from './watching.ts';

/**
 * A sink without state, straight from the listener to its publishers: no topic, queue or log exists for it. `accept` resolves once
 * every publisher has taken the output or holds it durably, so the raw message may be acknowledged; at their bound it waits, and
 * the input is no longer read.
 */
export class DirectSink {
  readonly #chain: Chain;
  readonly #lanes: readonly HoldingLane[];
  readonly #deadLetters: DeadLetters;
  readonly #sink: string;
  readonly #tally: Tally;
  readonly #watching: Watching | undefined;

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
  }

  /** `replay`: some of these may have been published before (a redelivered message). */
  async accept(parts: readonly Part[], replay: boolean, signal: AbortSignal): Promise<void> {
    const out: Item[] = [];
    const time = { partition: 0, watermark: Number.NEGATIVE_INFINITY, now: 0 };
    for (const part of parts) {
      const result = this.#chain.applyNotification(part.id, part.items, time);
      for (const item of result.out) out.push(item);
      for (const drop of result.dropped) this.#tally.dropped += drop.count;
      for (const letter of result.letters) {
        await this.#letter(letter.reason, letter.message, lineOf(letter.item, itemLines), letter.asItCame);
      }
    }
    // Here, not in each lane: one dead letter of it, however many publishers there are.
    const { items, lines, bad } = speak(out, itemLines);
    for (const one of bad) await this.#letter('unspeakable', one.message, one.text);
    if (items.length > 0) await Promise.all(this.#lanes.map((lane) => lane.accept(items, signal, replay, lines)));
    this.#watching?.accepted(this.#sink, parts, items);
    this.#tally.published += items.length;
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
