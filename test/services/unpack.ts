/** Reads one MessagePack value; maps become objects, 64-bit integers that a double cannot hold become BigInts, floats `{ float }`. */
export function unpack(bytes: Buffer): unknown {
  const reader = new Reader(bytes);
  const value = reader.value();
  if (reader.at !== bytes.length) throw new Error(`${bytes.length - reader.at} bytes left behind`);
  return value;
}

class Reader {
  at = 0;
  readonly #bytes: Buffer;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  value(): unknown {
    const tag = this.#number(1);
    if (tag <= 0x7f) return tag;
    if (tag >= 0xe0) return tag - 0x100;
    if (tag <= 0x8f) return this.#map(tag & 0x0f);
    if (tag <= 0x9f) return this.#list(tag & 0x0f);
    if (tag <= 0xbf) return this.#text(tag & 0x1f);
    switch (tag) {
      case 0xc0:
        return null;
      case 0xc2:
        return false;
      case 0xc3:
        return true;
      case 0xcb:
        return { float: this.#take(8).readDoubleBE() };
      case 0xcc:
      case 0xcd:
      case 0xce:
        return this.#number(2 ** (tag - 0xcc));
      case 0xcf:
        return small(this.#take(8).readBigUInt64BE());
      case 0xd0:
        return this.#take(1).readInt8();
      case 0xd1:
        return this.#take(2).readInt16BE();
      case 0xd2:
        return this.#take(4).readInt32BE();
      case 0xd3:
        return small(this.#take(8).readBigInt64BE());
      case 0xd9:
      case 0xda:
      case 0xdb:
        return this.#text(this.#number(2 ** (tag - 0xd9)));
      case 0xdc:
      case 0xdd:
        return this.#list(this.#number(2 ** (tag - 0xdb)));
      case 0xde:
      case 0xdf:
        return this.#map(this.#number(2 ** (tag - 0xdd)));
      default:
        throw new Error(`tag ${tag.toString(16)}`);
    }
  }

  #map(size: number): Record<string, unknown> {
    return Object.fromEntries(Array.from({ length: size }, () => [String(this.value()), this.value()]));
  }
  #list(size: number): unknown[] {
    return Array.from({ length: size }, () => this.value());
  }
  #text(length: number): string {
    return this.#take(length).toString('utf8');
  }
  #number(length: number): number {
    return this.#take(length).readUIntBE(0, length);
  }
  #take(length: number): Buffer {
    if (this.at + length > this.#bytes.length) throw new Error('the value is cut off');
    this.at += length;
    return this.#bytes.subarray(this.at - length, this.at);
  }
}

function small(value: bigint): number | bigint {
  return BigInt.asIntN(53, value) === value ? Number(value) : value;
}
