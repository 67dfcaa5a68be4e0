import { Fault } from '../../model/faults.ts';
import { badFrame } from '../../model/msgpack-value.ts';
import { type Header, readHeader } from './msgpack-header.ts';

export interface FrameLimits {
  readonly maxBytes: number;
  readonly maxDepth: number;
}

const smallestBuffer = 64 * 1024;

/**
 * Cuts a byte stream into MessagePack values without making them. What was looked at once is not looked at again, so a frame that
 * comes byte by byte costs no more than one that comes whole. A frame that says it will be larger than `maxBytes` is refused as
 * soon as it says so: throws a poison Fault `frame_too_large`, `frame_too_deep` or `bad_frame`; the stream cannot go on after it.
 */
export class FrameReader {
  readonly #limits: FrameLimits;
  readonly #header: Header = { bytes: 0, payload: 0, children: 0 };
  #bytes = new Uint8Array(smallestBuffer);
  #view = new DataView(this.#bytes.buffer);
  /** Where the frame begins, how far it is known, where the bytes end. */
  #start = 0;
  #scanned = 0;
  #end = 0;
  /** Values still missing in each collection around `#scanned`. */
  #open: number[] = [];

  constructor(limits: FrameLimits) {
    this.#limits = limits;
  }

  /** Bytes that are held and not yet given out. */
  get heldBytes(): number {
    return this.#end - this.#start;
  }

  push(chunk: Uint8Array): void {
    this.#makeRoom(chunk.length);
    this.#bytes.set(chunk, this.#end);
    this.#end += chunk.length;
  }

  /** The next whole frame, a copy of its own; `undefined`: more bytes are needed. */
  next(): Uint8Array | undefined {
    while (readHeader(this.#view, this.#scanned, this.#end, this.#header)) {
      const { bytes, payload, children } = this.#header;
      const least = this.#scanned + bytes + payload + children - this.#start;
      if (least > this.#limits.maxBytes)
        throw new Fault(
          'poison',
          'frame_too_large',
          `a frame of ${least} bytes or more, at most ${this.#limits.maxBytes} are taken`,
        );
      if (this.#scanned + bytes + payload > this.#end) return undefined;
      this.#scanned += bytes + payload;
      if (children > 0) {
        this.#open.push(children);
        if (this.#open.length > this.#limits.maxDepth)
          throw new Fault('poison', 'frame_too_deep', `a frame nests deeper than ${this.#limits.maxDepth}`);
      } else if (this.#isWhole()) return this.#cut();
    }
    return undefined;
  }

  #isWhole(): boolean {
    for (;;) {
      const missing = this.#open.at(-1);
      if (missing === undefined) return true;
      if (missing > 1) {
        this.#open[this.#open.length - 1] = missing - 1;
        return false;
      }
      this.#open.pop();
    }
  }

  #cut(): Uint8Array {
    if (this.#scanned <= this.#start) throw badFrame('an empty frame');
    const frame = this.#bytes.slice(this.#start, this.#scanned);
    this.#start = this.#scanned;
    return frame;
  }

  #makeRoom(more: number): void {
    if (this.#end + more <= this.#bytes.length) return;
    const held = this.#end - this.#start;
    const size = Math.max(smallestBuffer, held + more > this.#bytes.length / 2 ? (held + more) * 2 : this.#bytes.length);
    const bytes = size === this.#bytes.length ? this.#bytes : new Uint8Array(size);
    bytes.set(this.#bytes.subarray(this.#start, this.#end));
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer);
    this.#scanned -= this.#start;
    this.#start = 0;
    this.#end = held;
  }
}
