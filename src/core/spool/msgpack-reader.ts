import { toFloat, toInt } from '../../model/json.ts';
import { badFrame, EventTime, type Packed } from '../../model/msgpack-value.ts';
import { type Header, readHeader } from './msgpack-header.ts';

const decoder = new TextDecoder('utf-8', { fatal: true });
const mostDepth = 64;

/**
 * Reads MessagePack from bytes that hold whole values; values can also be passed over without being made. Throws a poison Fault
 * `bad_frame` where the bytes end early, nest deeper than 64, or hold text that is not UTF-8.
 */
export class MsgpackReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #header: Header = { bytes: 0, payload: 0, children: 0 };
  #at: number;

  constructor(bytes: Uint8Array, at = 0) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#at = at;
  }

  get at(): number {
    return this.#at;
  }

  get atEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  /** The number of values of the array that begins here; the reader then stands at the first. */
  arrayLength(): number {
    const code = this.#view.byteLength > this.#at ? this.#view.getUint8(this.#at) : 0;
    if ((code & 0xf0) !== 0x90 && code !== 0xdc && code !== 0xdd) throw badFrame('expected an array');
    return this.#enter();
  }

  isMap(): boolean {
    const code = this.#view.byteLength > this.#at ? this.#view.getUint8(this.#at) : 0;
    return (code & 0xf0) === 0x80 || code === 0xde || code === 0xdf;
  }

  /** The number of members of the map that begins here. */
  mapLength(): number {
    if (!this.isMap()) throw badFrame('expected a map');
    return this.#enter() / 2;
  }

  isArray(): boolean {
    const code = this.#view.byteLength > this.#at ? this.#view.getUint8(this.#at) : 0;
    return (code & 0xf0) === 0x90 || code === 0xdc || code === 0xdd;
  }

  /** Passes over one value and returns its bytes, a view of ours. */
  skip(): Uint8Array {
    const start = this.#at;
    let open = 1;
    while (open > 0) {
      this.#head();
      const { bytes, payload, children } = this.#header;
      this.#at += bytes + payload;
      if (this.#at > this.#bytes.length) throw badFrame('a value ends beyond its bytes');
      open += children - 1;
    }
    return this.#bytes.subarray(start, this.#at);
  }

  value(depth = 0): Packed {
    if (depth > mostDepth) throw badFrame(`values nest deeper than ${mostDepth}`);
    this.#head();
    const { bytes, payload, children } = this.#header;
    const at = this.#at;
    if (at + bytes + payload > this.#bytes.length) throw badFrame('a value ends beyond its bytes');
    this.#at += bytes + payload;
    const code = this.#view.getUint8(at);
    if (code < 0x80) return code;
    if (code >= 0xe0) return code - 256;
    if (code < 0x90 || code === 0xde || code === 0xdf) return this.#members(children / 2, depth);
    if (code < 0xa0 || code === 0xdc || code === 0xdd) return this.#items(children, depth);
    if (code < 0xc0 || (code >= 0xd9 && code <= 0xdb)) return this.#text(at + bytes, payload);
    if (code >= 0xc4 && code <= 0xc6) return this.#bytes.slice(at + bytes, at + bytes + payload);
    if ((code >= 0xc7 && code <= 0xc9) || (code >= 0xd4 && code <= 0xd8)) return this.#extension(at + bytes, payload);
    return this.#scalar(code, at + 1);
  }

  #scalar(code: number, at: number): Packed {
    const view = this.#view;
    switch (code) {
      case 0xc0:
        return null;
      case 0xc2:
        return false;
      case 0xc3:
        return true;
      case 0xca:
        return toFloat(view.getFloat32(at));
      case 0xcb:
        return toFloat(view.getFloat64(at));
      case 0xcc:
        return view.getUint8(at);
      case 0xcd:
        return view.getUint16(at);
      case 0xce:
        return view.getUint32(at);
      case 0xcf:
        return toInt(view.getBigUint64(at));
      case 0xd0:
        return view.getInt8(at);
      case 0xd1:
        return view.getInt16(at);
      case 0xd2:
        return view.getInt32(at);
      default:
        return toInt(view.getBigInt64(at));
    }
  }

  #text(at: number, length: number): string {
    try {
      return decoder.decode(this.#bytes.subarray(at, at + length));
    } catch (cause) {
      throw Object.assign(badFrame('a text is not UTF-8'), { cause });
    }
  }

  #extension(at: number, length: number): Packed {
    const type = this.#view.getInt8(at - 1);
    if (type === 0 && length === 8) return new EventTime(this.#view.getUint32(at), this.#view.getUint32(at + 4));
    return this.#bytes.slice(at, at + length);
  }

  #items(count: number, depth: number): Packed[] {
    this.#expectRoom(count);
    const items: Packed[] = [];
    for (let i = 0; i < count; i++) items.push(this.value(depth + 1));
    return items;
  }

  #members(count: number, depth: number): Packed {
    this.#expectRoom(count * 2);
    const members: [string, Packed][] = [];
    for (let i = 0; i < count; i++) members.push([keyText(this.value(depth + 1)), this.value(depth + 1)]);
    return Object.fromEntries(members); // makes `__proto__` an ordinary own key
  }

  #enter(): number {
    this.#head();
    const { bytes, children } = this.#header;
    this.#at += bytes;
    this.#expectRoom(children);
    return children;
  }

  // Every value has a byte at least: a head that promises four thousand million of them is a lie found out at once.
  #expectRoom(values: number): void {
    if (values > this.#bytes.length - this.#at) throw badFrame('a collection is longer than its bytes');
  }

  #head(): void {
    if (!readHeader(this.#view, this.#at, this.#bytes.length, this.#header)) throw badFrame('a value ends beyond its bytes');
  }
}

/** Keys are texts in all that we speak with; older senders write them as bytes. */
function keyText(key: Packed): string {
  if (typeof key === 'string') return key;
  if (key instanceof Uint8Array) return new TextDecoder().decode(key);
  if (typeof key === 'number' || typeof key === 'bigint' || typeof key === 'boolean') return String(key);
  throw badFrame('a key is neither text nor number');
}

/** The one value that the bytes are. */
export function unpack(bytes: Uint8Array): Packed {
  const reader = new MsgpackReader(bytes);
  const value = reader.value();
  if (!reader.atEnd) throw badFrame('more bytes than one value');
  return value;
}
