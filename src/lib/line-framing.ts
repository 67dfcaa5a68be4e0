/** One line without its newline (and without a carriage return before it). `end` is the stream offset after its newline. */
export interface Line {
  readonly bytes: Uint8Array;
  readonly end: number;
  /** From 1, empty lines counted. */
  readonly number: number;
  /** The line was longer than allowed; `bytes` is its beginning. */
  readonly cut: boolean;
}

const newline = 10;
const carriageReturn = 13;

/**
 * Cuts a byte stream into lines, holding at most `maxBytes` of an unfinished one: the rest of an over-long line is skipped up to its
 * newline, never kept. Empty lines are counted but not returned.
 */
export class LineFramer {
  readonly #maxBytes: number;
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  #cut = false;
  #offset: number;
  #number: number;

  constructor(maxBytes: number, from: { readonly offset: number; readonly line: number } = { offset: 0, line: 0 }) {
    this.#maxBytes = maxBytes;
    this.#offset = from.offset;
    this.#number = from.line;
  }

  /** Bytes of an unfinished line are waiting for their newline. */
  get hasUnfinished(): boolean {
    return this.#heldBytes > 0 || this.#cut;
  }

  /** The chunk belongs to the framer from here on: lines may be views of it. */
  push(chunk: Uint8Array): Line[] {
    const lines: Line[] = [];
    let start = 0;
    for (;;) {
      const at = chunk.indexOf(newline, start);
      if (at === -1) break;
      this.#hold(chunk.subarray(start, at));
      this.#offset += at - start + 1;
      this.#finish(lines);
      start = at + 1;
    }
    this.#hold(chunk.subarray(start));
    this.#offset += chunk.length - start;
    return lines;
  }

  /** At the end of the stream: bytes after the last newline are a line too. */
  end(): Line[] {
    const lines: Line[] = [];
    if (this.hasUnfinished) this.#finish(lines);
    return lines;
  }

  #hold(part: Uint8Array): void {
    if (part.length === 0) return;
    const room = this.#maxBytes - this.#heldBytes;
    if (part.length > room) this.#cut = true;
    const kept = part.subarray(0, room);
    if (kept.length === 0) return;
    this.#held.push(kept);
    this.#heldBytes += kept.length;
  }

  #finish(lines: Line[]): void {
    this.#number += 1;
    const [first] = this.#held;
    let bytes = this.#held.length === 1 && first !== undefined ? first : Buffer.concat(this.#held);
    if (!this.#cut && bytes.at(-1) === carriageReturn) bytes = bytes.subarray(0, -1);
    if (bytes.length > 0) lines.push({ bytes, end: this.#offset, number: this.#number, cut: this.#cut });
    this.#held = [];
    this.#heldBytes = 0;
    this.#cut = false;
  }
}
