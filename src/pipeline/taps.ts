import { toItemLine } from '../core/convert/wire.ts';
import { compileExpression } from '../core/expression/expression.ts';
import { truthy } from '../core/expression/value.ts';
import { itemNames } from '../core/transformers/item-names.ts';
import type { Item } from '../model/item.ts';

/** `converted`: as it came from an input. `appended`: durable in the topic of a sink. `out`: what a sink has computed, committed. */
export type TapStage = 'converted' | 'appended' | 'out';

export interface TapWish {
  /** A sink, an input, or a topic's partition, by name. */
  readonly what: string;
  readonly stage: TapStage;
  /** An expression over the item, as `filter` has it. */
  readonly filter: string | null;
  /** At most so many items a second; what is beyond is counted. */
  readonly perSecond: number;
}

/** Where an item was seen. */
export interface Place {
  readonly input?: string;
  readonly sink?: string;
  /** `cg.<cluster>.<sink>.g<generation>.p<partition>` */
  readonly unit?: string;
}

interface Tap {
  readonly wish: TapWish;
  readonly takes: (item: Item) => boolean;
  /** False: it has no room. */
  readonly hear: (line: string) => boolean;
  second: number;
  inSecond: number;
  dropped: number;
}

/**
 * Looks at what flows, without holding it up: what a tap has no room or no time for is dropped for that tap and counted, which its next line
 * says. While no tap is open nothing is looked at.
 */
export class Taps {
  readonly #open = new Set<Tap>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Ask before anything is made for `tell`. */
  get any(): boolean {
    return this.#open.size > 0;
  }

  /** Throws what is wrong with the expression, naming the column. */
  open(wish: TapWish, hear: (line: string) => boolean): () => void {
    const tap: Tap = { wish, takes: filterOf(wish.filter), hear, second: 0, inSecond: 0, dropped: 0 };
    this.#open.add(tap);
    return () => void this.#open.delete(tap);
  }

  tell(stage: TapStage, place: Place, items: readonly Item[]): void {
    for (const tap of this.#open) {
      if (tap.wish.stage !== stage || ![place.input, place.sink, place.unit].includes(tap.wish.what)) continue;
      for (const item of items) this.#pass(tap, stage, place, item);
    }
  }

  #pass(tap: Tap, stage: TapStage, place: Place, item: Item): void {
    const now = this.#now();
    const second = Math.floor(now / 1_000);
    if (second !== tap.second) {
      tap.second = second;
      tap.inSecond = 0;
    }
    // Past its rate the expression is not asked either: a tap costs what it shows.
    if (tap.inSecond >= tap.wish.perSecond) {
      tap.dropped += 1;
      return;
    }
    if (!tap.takes(item)) return;
    tap.inSecond += 1;
    const missed = tap.dropped === 0 ? '' : `,"missed":${tap.dropped}`;
    const where = JSON.stringify({ at: now, stage, ...place }).slice(0, -1);
    if (tap.hear(`${where}${missed},"item":${toItemLine(item)}}`)) tap.dropped = 0;
    else tap.dropped += 1;
  }
}

function filterOf(text: string | null): (item: Item) => boolean {
  if (text === null) return () => true;
  const expression = compileExpression(text);
  return (item) => {
    try {
      return truthy(expression.evaluate(itemNames(item)));
    } catch {
      return false; // an item that has not what is asked about is not what is looked for
    }
  };
}
