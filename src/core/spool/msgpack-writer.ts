import { Float } from '../../model/json.ts';
import { EventTime, type Packed } from './msgpack-value.ts';

const encoder = new TextEncoder();
const most64 = 2n ** 64n;
const least64 = -(2n ** 63n);

/**
 * Writes MessagePack. Ours and no package's, because entries are kept and sent as bytes without being read again, and because ints
 * and floats must stay apart: `Float` and fractions are float64, everything else an int. An integer beyond 64 bits, which
 * MessagePack has no form for, is written as the text of its digits.
 */
export class MsgpackWriter {
  #bytes: Uint8Array;
  #view: DataView;
  #at = 0;

  constructor(expectedBytes = 512) {
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
    const room = text.length * 3;
    this.#reserve(room + 5);
    // Where the text goes depends on how long its length is; three bytes a unit is the most, so short ones are written at once.
    const head = room < 32 ? 1 : room < 256 ? 2 : room < 65_536 ? 3 : 5;
    const { written } = encoder.encodeInto(text, this.#bytes.subarray(this.#at + head));
    if (head === 1) this.#bytes[this.#at] = 0xa0 | written;
    else if (head === 2) {
      this.#bytes[this.#at] = 0xd9;
      this.#bytes[this.#at + 1] = written;
    } else if (head === 3) {
      this.#bytes[this.#at] = 0xda;
      this.#view.setUint16(this.#at + 1, written);
    } else {
      this.#bytes[this.#at] = 0xdb;
      this.#view.setUint32(this.#at + 1, written);
    }
    this.#at += head + written;
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
    if (value >= 0 && value < 128) return this.#byte(value);
    if (value < 0 && value >= -32) return this.#byte(value & 0xff);
    if (value >= -(2 ** 31) && value < 2 ** 31) {
      this.#byte(0xd2).#reserve(4);
      this.#view.setInt32(this.#at, value);
      this.#at += 4;
      return this;
    }
    return this.#big(BigInt(value));
  }

  #big(value: bigint): this {
    if (value >= most64 || value < least64) return this.text(String(value));
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
    this.#byte(0xd7).#byte(0).#reserve(8);
    this.#view.setUint32(this.#at, seconds);
    this.#view.setUint32(this.#at + 4, nanoseconds);
    this.#at += 8;
    return this;
  }

  #head(code16: number, length: number): this {
    this.#reserve(5);
    this.#byte(length < 65_536 ? code16 : code16 + 1);
    if (length < 65_536) this.#view.setUint16(this.#at, length);
    else this.#view.setUint32(this.#at, length);
    this.#at += length < 65_536 ? 2 : 4;
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

export function pack(value: Packed): Uint8Array {
  return new MsgpackWriter().value(value).take();
}
