import type { Item } from '../model/item.ts';
import type { ItemCodec } from './item-codec.ts';

/** What a lane was offered at once, e.g. the outputs of one commit. */
export interface Blob {
  /** One key is one content: what is on its way is not taken twice. Empty: nobody will ever offer it again. */
  readonly key: string;
  readonly items: readonly Item[];
  /** It may stand at the target already (read back from an outbox). */
  readonly replay: boolean;
  /** The items as JSON Lines when the caller has them, to encode nothing twice. */
  readonly lines?: string;
}

/** A run of items that never grows beyond a batch. */
export interface Piece {
  readonly items: readonly Item[];
  readonly lines: string;
  readonly replay: boolean;
  readonly firstSeen: number;
  readonly done: (outcome: 'done' | 'left') => void;
}

export interface BatchLimits {
  readonly maxItems: number;
  readonly maxBytes: number;
}

/** The order in which a lane publishes: cuts what is too large for a batch, and gathers neighbours into one. */
export class LaneQueue {
  readonly #limits: BatchLimits;
  readonly #codec: ItemCodec;
  #pieces: Piece[] = [];
  items = 0;
  bytes = 0;

  constructor(limits: BatchLimits, codec: ItemCodec) {
    this.#limits = limits;
    this.#codec = codec;
  }

  /** `done` is called once, when all of the blob is. */
  add(blob: Blob, firstSeen: number, done: Piece['done']): void {
    const lines = blob.lines ?? this.#codec.lines(blob.items);
    const runs = this.#cut(blob.items, lines);
    let open = runs.length;
    let left = false;
    const onePiece = (outcome: 'done' | 'left') => {
      open -= 1;
      left ||= outcome === 'left';
      if (open === 0) done(left ? 'left' : 'done');
    };
    for (const run of runs) this.#pieces.push({ ...run, replay: blob.replay, firstSeen, done: onePiece });
    this.items += blob.items.length;
    this.bytes += lines.length;
  }

  /** The next batch's pieces, still counted until `finish`; `full` when nothing more would go into it. */
  peek(): { readonly pieces: readonly Piece[]; readonly full: boolean } {
    let items = 0;
    let bytes = 0;
    for (const [index, piece] of this.#pieces.entries()) {
      items += piece.items.length;
      bytes += piece.lines.length;
      if (index > 0 && (items > this.#limits.maxItems || bytes > this.#limits.maxBytes))
        return { pieces: this.#pieces.slice(0, index), full: true };
    }
    return { pieces: this.#pieces.slice(), full: items >= this.#limits.maxItems || bytes >= this.#limits.maxBytes };
  }

  finish(pieces: readonly Piece[], outcome: 'done' | 'left'): void {
    this.#pieces = this.#pieces.slice(pieces.length);
    for (const piece of pieces) {
      this.items -= piece.items.length;
      this.bytes -= piece.lines.length;
    }
    for (const piece of pieces) piece.done(outcome);
  }

  finishAll(outcome: 'done' | 'left'): void {
    this.finish(this.#pieces.slice(), outcome);
  }

  #cut(items: readonly Item[], lines: string): { items: readonly Item[]; lines: string }[] {
    const { maxItems, maxBytes } = this.#limits;
    if (items.length <= maxItems && lines.length <= maxBytes) return [{ items, lines }];
    const runs: { items: readonly Item[]; lines: string }[] = [];
    let [firstItem, firstChar] = [0, 0];
    let start = 0;
    for (const index of items.keys()) {
      const end = lines.indexOf('\n', start) + 1;
      if (index > firstItem && (index - firstItem >= maxItems || end - firstChar > maxBytes)) {
        runs.push({ items: items.slice(firstItem, index), lines: lines.slice(firstChar, start) });
        [firstItem, firstChar] = [index, start];
      }
      start = end;
    }
    runs.push({ items: items.slice(firstItem), lines: lines.slice(firstChar, start) });
    return runs;
  }
}
