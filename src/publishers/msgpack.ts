import { Float, type Json, type JsonObject } from '../model/json.ts';

/**
 * MessagePack as Python's `msgpack.dumps(value, use_bin_type=True)` writes it: the shortest form of every length and integer, floats always
 * double, texts as `str`. Our own, since no package knows our ints from our floats: `1` and `1.0` are different messages to a signature.
 * Integers beyond 64 bits, which MessagePack has no form for, throw a RangeError.
 */
export function encodeMsgpack(value: Json): Buffer {
  const parts: Buffer[] = [];
  write(value, parts);
  return Buffer.concat(parts);
}

function write(value: Json, parts: Buffer[]): void {
  if (value === null) parts.push(Buffer.of(0xc0));
  else if (typeof value === 'boolean') parts.push(Buffer.of(value ? 0xc3 : 0xc2));
  else if (typeof value === 'string') writeText(value, parts);
  else if (typeof value === 'bigint') parts.push(integer(value));
  else if (value instanceof Float) parts.push(double(value.value));
  else if (typeof value === 'number') parts.push(Number.isInteger(value) ? integer(BigInt(value)) : double(value));
  else if (Array.isArray(value)) {
    parts.push(head(value.length, 0x90, 0xdc));
    for (const each of value as readonly Json[]) write(each, parts);
  } else {
    const members = Object.entries(value as JsonObject);
    parts.push(head(members.length, 0x80, 0xde));
    for (const [key, member] of members) {
      writeText(key, parts);
      write(member, parts);
    }
  }
}

function writeText(text: string, parts: Buffer[]): void {
  const bytes = Buffer.from(text, 'utf8');
  const { length } = bytes;
  if (length < 32) parts.push(Buffer.of(0xa0 | length));
  else if (length < 0x100) parts.push(Buffer.of(0xd9, length));
  else parts.push(sized(length, 0xda));
  parts.push(bytes);
}

/** Of a list or map: up to 15 in the first byte, else 16 bits (`wide`) or 32 (`wide + 1`). */
function head(length: number, short: number, wide: number): Buffer {
  return length < 16 ? Buffer.of(short | length) : sized(length, wide);
}

function sized(length: number, wide: number): Buffer {
  if (length < 0x10000) return Buffer.of(wide, length >> 8, length & 0xff);
  const long = Buffer.alloc(5);
  long[0] = wide + 1;
  long.writeUInt32BE(length, 1);
  return long;
}

function double(value: number): Buffer {
  const bytes = Buffer.alloc(9);
  bytes[0] = 0xcb;
  bytes.writeDoubleBE(value, 1);
  return bytes;
}

function integer(value: bigint): Buffer {
  if (value >= 0n) return positive(value);
  if (value >= -32n) return Buffer.of(Number(value) & 0xff);
  if (value >= -0x80n) return Buffer.of(0xd0, Number(value) & 0xff);
  const bytes = Buffer.alloc(9);
  if (value >= -0x8000n) {
    bytes[0] = 0xd1;
    bytes.writeInt16BE(Number(value), 1);
    return bytes.subarray(0, 3);
  }
  if (value >= -0x80000000n) {
    bytes[0] = 0xd2;
    bytes.writeInt32BE(Number(value), 1);
    return bytes.subarray(0, 5);
  }
  bytes[0] = 0xd3;
  bytes.writeBigInt64BE(value, 1);
  return bytes;
}

function positive(value: bigint): Buffer {
  const small = Number(value);
  if (small < 0x80) return Buffer.of(small);
  if (small < 0x100) return Buffer.of(0xcc, small);
  if (small < 0x10000) return Buffer.of(0xcd, small >> 8, small & 0xff);
  const bytes = Buffer.alloc(9);
  if (small < 0x100000000) {
    bytes[0] = 0xce;
    bytes.writeUInt32BE(small, 1);
    return bytes.subarray(0, 5);
  }
  bytes[0] = 0xcf;
  bytes.writeBigUInt64BE(value, 1);
  return bytes;
}
