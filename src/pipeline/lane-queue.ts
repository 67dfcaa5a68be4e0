import { joinText, sizeOf, type TextPiece } from '../lib/text-pieces.ts';
import type { Item } from '../model/item.ts';
import type { OutputTraces } from '../model/output-traces.ts';
import type { TextForm } from '../publishers/publisher.ts';
import { type ItemCodec, printerOf } from './item-codec.ts';

/** What a lane was offered at once, e.g. the outputs of one commit. */
export interface Blob {
  /** One key is one content: what is on its way is not taken twice. Empty: nobody will ever offer it again. */
  readonly key: string;
  readonly items: readonly Item[];
  /** It may stand at the target already (read back from an outbox). */
  readonly replay: boolean;
  /** The items as JSON Lines when the caller has them, to encode nothing twice. */
  readonly lines?: string;
  readonly traces?: OutputTraces | undefined;
}

/** The same as text alone, in the form that the target takes: nobody needs the items, unless something goes wrong with them, and then they are read from it. */
export interface TextBlob {
  readonly key: string;
  readonly count: number;
  readonly texts: readonly TextPiece[];
  readonly replay: boolean;
  readonly traces?: OutputTraces | undefined;
}

export type Offered = Blob | TextBlob;

export function countOf(offered: Offered): number {
  return 'items' in offered ? offered.items.length : offered.count;
}

/** In the form that the target takes, or as JSON Lines. */
export function textsOf(offered: Offered, codec: ItemCodec, takes: TextForm | undefined): readonly TextPiece[] {
  if (!('items' in offered)) return offered.texts;
  if (offered.lines !== undefined && takes !== 'messages') return [offered.lines];
  return [printerOf(codec, takes)(offered.items)];
}

/** A run of items that never grows beyond a batch. */
export interface Piece {
  readonly count: number;
  /** Null where only the text is kept. */
  readonly items: readonly Item[] | null;
  readonly texts: readonly TextPiece[];
  readonly size: number;
  readonly traces: OutputTraces | undefined;
  readonly replay: boolean;
  readonly firstSeen: number;
  readonly done: (outcome: 'done' | 'left') => void;
}

type Run = Pick<Piece, 'count' | 'items' | 'texts' | 'size' | 'traces'>;

export interface BatchLimits {
  readonly maxItems: number;
  readonly maxBytes: number;
}

/** The order in which a lane publishes: cuts what is too large for a batch, and gathers neighbours into one. */
export class LaneQueue {
  readonly #limits: BatchLimits;
  readonly #codec: ItemCodec;
  readonly #takes: TextForm | undefined;
  #pieces: Piece[] = [];
  items = 0;
  bytes = 0;

  /** `takes`: of what waits no items are kept then, so that they become garbage while they are young. */
  constructor(limits: BatchLimits, codec: ItemCodec, takes?: TextForm) {
    this.#limits = limits;
    this.#codec = codec;
    this.#takes = takes;
  }

  /** `done` is called once, when all of the blob is. */
  add(offered: Offered, firstSeen: number, done: Piece['done']): void {
    const count = countOf(offered);
    const { traces } = offered;
    const texts = textsOf(offered, this.#codec, this.#takes);
    const size = sizeOf(texts);
    const items = 'items' in offered && this.#takes === undefined ? offered.items : null;
    const { maxItems, maxBytes } = this.#limits;
    const runs =
      count <= maxItems && size <= maxBytes
        ? [{ count, items, texts, size, traces }]
        : this.#cut(count, items, joinText(texts), traces);
    let open = runs.length;
    let left = false;
    const onePiece = (outcome: 'done' | 'left') => {
      open -= 1;
      left ||= outcome === 'left';
      if (open === 0) done(left ? 'left' : 'done');
    };
    for (const run of runs) this.#pieces.push({ ...run, replay: offered.replay, firstSeen, done: onePiece });
    this.items += count;
    this.bytes += size;
  }

  /** The next batch's pieces, still counted until `finish`; `full` when nothing more would go into it. */
  peek(): { readonly pieces: readonly Piece[]; readonly full: boolean } {
    let items = 0;
    let bytes = 0;
    for (const [index, piece] of this.#pieces.entries()) {
      items += piece.count;
      bytes += piece.size;
      if (index > 0 && (items > this.#limits.maxItems || bytes > this.#limits.maxBytes))
        return { pieces: this.#pieces.slice(0, index), full: true };
    }
    return { pieces: this.#pieces.slice(), full: items >= this.#limits.maxItems || bytes >= this.#limits.maxBytes };
  }

  finish(pieces: readonly Piece[], outcome: 'done' | 'left'): void {
    this.#pieces = this.#pieces.slice(pieces.length);
    for (const piece of pieces) {
      this.items -= piece.count;
      this.bytes -= piece.size;
    }
    for (const piece of pieces) piece.done(outcome);
  }

  finishAll(outcome: 'done' | 'left'): void {
    this.finish(this.#pieces.slice(), outcome);
  }

  #cut(count: number, items: readonly Item[] | null, lines: string, traces: OutputTraces | undefined): Run[] {
    const { maxItems, maxBytes } = this.#limits;
    const runs: Run[] = [];
    let [firstItem, firstChar] = [0, 0];
    let start = 0;
    const run = (endItem: number, endChar: number): Run => ({
      count: endItem - firstItem,
      items: items?.slice(firstItem, endItem) ?? null,
      texts: [lines.slice(firstChar, endChar)],
      size: endChar - firstChar,
      traces: traces?.slice(firstItem, endItem),
    });
    for (let index = 0; index < count; index++) {
      const end = lines.indexOf('\n', start) + 1;
      if (index > firstItem && (index - firstItem >= maxItems || end - firstChar > maxBytes)) {
        runs.push(run(index, start));
        [firstItem, firstChar] = [index, start];
      }
      start = end;
    }
    runs.push(run(count, start));
    return runs;
  }
}
