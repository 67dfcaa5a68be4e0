import { Float } from './json.ts';
import { EventTime, type Packed } from './msgpack-value.ts';

const encoder = new TextEncoder();
const most64 = 2n ** 64n;
const least64 = -(2n ** 63n);

/** What becomes of an integer beyond 64 bits, for which MessagePack has no form: the text of its digits, or a RangeError. */
type Beyond = 'text' | 'refuse';

/**
 * Writes MessagePack as Python's `msgpack.dumps(value, use_bin_type=True)` does: every length and integer in its shortest form. Ours and
 * no package's, because entries are kept and sent as bytes without being read again, and because ints and floats must stay apart
 * (to a signature `1` and `1.0` are different): `Float` and fractions are float64, everything else an int.
 */
export class MsgpackWriter {
  readonly #beyond: Beyond;
  #bytes: Uint8Array;
  #view: DataView;
  #at = 0;

  constructor(expectedBytes = 512, beyond: Beyond = 'text') {
    this.#beyond = beyond;
    this.#bytes = new Uint8Array(expectedBytes);
    this.#view = new DataView(this.#bytes.buffer);
  }

  /** What was written; the writer must not be used again. */
  take(): Uint8Array {
    return this.#bytes.subarray(0, this.#at);
  }

  value(value: Packed): this {
    if (value === null) return this.#byte(0xc0);
    if (value === true) return this.#byte(0xc3);
    if (value === false) return this.#byte(0xc2);
    if (typeof value === 'string') return this.text(value);
    if (typeof value === 'number') return Number.isSafeInteger(value) ? this.#int(value) : this.#float(value);
    if (typeof value === 'bigint') return this.#big(value);
    if (value instanceof Float) return this.#float(value.value);
    if (value instanceof EventTime) return this.#time(value);
    if (value instanceof Uint8Array) return this.bin(value);
    if (Array.isArray(value)) {
      this.array(value.length);
      for (const one of value as readonly Packed[]) this.value(one);
      return this;
    }
    const members = Object.entries(value);
    this.map(members.length);
    for (const [key, member] of members) this.text(key).value(member);
    return this;
  }

  array(length: number): this {
    return length < 16 ? this.#byte(0x90 | length) : this.#head(0xdc, length);
  }

  map(length: number): this {
    return length < 16 ? this.#byte(0x80 | length) : this.#head(0xde, length);
  }

  bin(bytes: Uint8Array): this {
    if (bytes.length < 256) this.#byte(0xc4).#byte(bytes.length);
    else this.#head(0xc5, bytes.length);
    return this.raw(bytes);
  }

  text(text: string): this {
    // Three bytes a unit is the most. It is written behind the head that it has in ASCII, and moved if that is too short.
    this.#reserve(text.length * 3 + 5);
    const guessed = textHead(text.length);
    const { written } = encoder.encodeInto(text, this.#bytes.subarray(this.#at + guessed));
    const head = textHead(written);
    if (head > guessed) this.#bytes.copyWithin(this.#at + head, this.#at + guessed, this.#at + guessed + written);
    if (head === 1) this.#byte(0xa0 | written);
    else if (head === 2) this.#byte(0xd9).#byte(written);
    else this.#head(0xda, written);
    this.#at += written;
    return this;
  }

  /** Bytes that are MessagePack already. */
  raw(bytes: Uint8Array): this {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
    return this;
  }

  #int(value: number): this {
    if (value >= 0) {
      if (value < 0x80) return this.#byte(value);
      if (value < 0x100) return this.#byte(0xcc).#byte(value);
      if (value < 0x10000) return this.#byte(0xcd).#uint16(value);
      if (value < 0x100000000) return this.#byte(0xce).#uint32(value);
      return this.#big(BigInt(value));
    }
    if (value >= -0x20) return this.#byte(value & 0xff);
    if (value >= -0x80) return this.#byte(0xd0).#byte(value & 0xff);
    if (value >= -0x8000) return this.#byte(0xd1).#uint16(value & 0xffff);
    if (value >= -0x80000000) return this.#byte(0xd2).#uint32(value >>> 0);
    return this.#big(BigInt(value));
  }

  /** Beyond 32 bits. */
  #big(value: bigint): this {
    if (value >= most64 || value < least64) {
      if (this.#beyond === 'refuse') throw new RangeError(`${value} is beyond 64 bits`);
      return this.text(String(value));
    }
    this.#byte(value < 0n ? 0xd3 : 0xcf).#reserve(8);
    if (value < 0n) this.#view.setBigInt64(this.#at, value);
    else this.#view.setBigUint64(this.#at, value);
    this.#at += 8;
    return this;
  }

  #float(value: number): this {
    this.#byte(0xcb).#reserve(8);
    this.#view.setFloat64(this.#at, value);
    this.#at += 8;
    return this;
  }

  #time({ seconds, nanoseconds }: EventTime): this {
    return this.#byte(0xd7).#byte(0).#uint32(seconds).#uint32(nanoseconds);
  }

  #head(code16: number, length: number): this {
    return length < 0x10000 ? this.#byte(code16).#uint16(length) : this.#byte(code16 + 1).#uint32(length);
  }

  #uint16(value: number): this {
    this.#reserve(2);
    this.#view.setUint16(this.#at, value);
    this.#at += 2;
    return this;
  }

  #uint32(value: number): this {
    this.#reserve(4);
    this.#view.setUint32(this.#at, value);
    this.#at += 4;
    return this;
  }

  #byte(byte: number): this {
    this.#reserve(1);
    this.#bytes[this.#at++] = byte;
    return this;
  }

  #reserve(more: number): void {
    if (this.#at + more <= this.#bytes.length) return;
    const bytes = new Uint8Array(Math.max(this.#bytes.length * 2, this.#at + more));
    bytes.set(this.#bytes.subarray(0, this.#at));
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer);
  }
}

function textHead(bytes: number): number {
  return bytes < 0x20 ? 1 : bytes < 0x100 ? 2 : bytes < 0x10000 ? 3 : 5;
}

export function pack(value: Packed, beyond: Beyond = 'text'): Uint8Array {
  return new MsgpackWriter(512, beyond).value(value).take();
}
