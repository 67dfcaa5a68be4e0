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

/** All that one step let through, at once; or no line, and how many items passed unseen. False: there is no room for it. */
type Hear = (lines: readonly string[], missed: number) => boolean;

/** In each second a tap may take so much of the time of this process, or, where that is more, so much for each item of its rate. */
const leastMs = 20;
const perItemMs = 0.02;
/** To ask the clock for every item would cost what it saves. */
const lookEvery = 16;

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
  readonly hear: Hear;
  second: number;
  inSecond: number;
  readonly mayMs: number;
  spentMs: number;
  dropped: number;
}

/**
 * Looks at what flows, without holding it up: what a tap has no room, no rate or no time for is dropped for that tap and counted, which its next
 * line says. While no tap is open nothing is looked at.
 */
export class Taps {
  readonly #open = new Set<Tap>();
  readonly #now: () => number;
  readonly #spent: () => number;

  /** `spent`: in ms, from any beginning. */
  constructor(now: () => number, spent: () => number = () => performance.now()) {
    this.#now = now;
    this.#spent = spent;
  }

  /** Ask before anything is made for `tell`. */
  get any(): boolean {
    return this.#open.size > 0;
  }

  /** Throws what is wrong with the expression, naming the column. */
  open(wish: TapWish, hear: Hear): () => void {
    const mayMs = Math.max(leastMs, wish.perSecond * perItemMs);
    const tap: Tap = { wish, takes: filterOf(wish.filter), hear, second: 0, inSecond: 0, mayMs, spentMs: 0, dropped: 0 };
    this.#open.add(tap);
    return () => void this.#open.delete(tap);
  }

  /** Would anybody look at an item here now? Ask before items are kept only to be told: each that lives longer costs the collector. */
  looks(stage: TapStage, place: Place): boolean {
    for (const tap of this.#open) {
      if (!isAt(tap, stage, place)) continue;
      this.#turnSecond(tap, Math.floor(this.#now() / 1_000));
      if (tap.inSecond < tap.wish.perSecond && tap.spentMs <= tap.mayMs) return true;
    }
    return false;
  }

  tell(stage: TapStage, place: Place, items: readonly Item[]): void {
    for (const tap of this.#open) if (isAt(tap, stage, place)) this.#pass(tap, stage, place, items);
  }

  /** So many items were not kept. */
  passed(stage: TapStage, place: Place, count: number): void {
    for (const tap of this.#open) if (isAt(tap, stage, place)) tap.dropped += count;
  }

  #pass(tap: Tap, stage: TapStage, place: Place, items: readonly Item[]): void {
    const now = this.#now();
    this.#turnSecond(tap, Math.floor(now / 1_000));
    const begun = this.#spent();
    let where = '';
    const lines: string[] = [];
    const before = tap.dropped;
    let missed = before;
    for (const [index, item] of items.entries()) {
      // Past its rate or its time the expression is not asked either: a tap costs no more than it may.
      if (tap.inSecond >= tap.wish.perSecond || (index % lookEvery === 0 && tap.spentMs + this.#spent() - begun > tap.mayMs)) {
        tap.dropped += items.length - index;
        break;
      }
      if (!tap.takes(item)) continue;
      tap.inSecond += 1;
      where ||= JSON.stringify({ at: now, stage, ...place }).slice(0, -1);
      lines.push(`${where}${missed === 0 ? '' : `,"missed":${missed}`},"item":${toItemLine(item)}}`);
      missed = 0;
    }
    if (lines.length > 0) {
      if (tap.hear(lines, 0)) tap.dropped -= before;
      else tap.dropped += lines.length;
    }
    tap.spentMs += this.#spent() - begun;
  }

  /** Who searches and finds nothing hears at least how much it could not look at. */
  #turnSecond(tap: Tap, second: number): void {
    if (second === tap.second) return;
    if (tap.dropped > 0 && tap.inSecond === 0 && tap.hear([], tap.dropped)) tap.dropped = 0;
    tap.second = second;
    tap.inSecond = 0;
    tap.spentMs = 0;
  }
}

function isAt({ wish }: Tap, stage: TapStage, { input, sink, unit }: Place): boolean {
  return wish.stage === stage && (wish.what === sink || wish.what === input || wish.what === unit);
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
