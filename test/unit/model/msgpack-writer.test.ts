import { describe, expect, it } from 'vitest';
import { parseJson } from '../../../src/model/json-text.ts';
import type { Packed } from '../../../src/model/msgpack-value.ts';
import { pack } from '../../../src/model/msgpack-writer.ts';

const encodeMsgpack = (value: Packed) => Buffer.from(pack(value, 'refuse'));

// What Python's msgpack 1.1 makes of each.
const vectors = [
  ['null', 'c0'],
  ['true', 'c3'],
  ['false', 'c2'],
  ['0', '00'],
  ['1', '01'],
  ['127', '7f'],
  ['128', 'cc80'],
  ['255', 'ccff'],
  ['256', 'cd0100'],
  ['65535', 'cdffff'],
  ['65536', 'ce00010000'],
  ['4294967295', 'ceffffffff'],
  ['4294967296', 'cf0000000100000000'],
  ['18446744073709551615', 'cfffffffffffffffff'],
  ['-1', 'ff'],
  ['-32', 'e0'],
  ['-33', 'd0df'],
  ['-128', 'd080'],
  ['-129', 'd1ff7f'],
  ['-32768', 'd18000'],
  ['-32769', 'd2ffff7fff'],
  ['-2147483648', 'd280000000'],
  ['-2147483649', 'd3ffffffff7fffffff'],
  ['-9223372036854775808', 'd38000000000000000'],
  ['1.0', 'cb3ff0000000000000'],
  ['1.5', 'cb3ff8000000000000'],
  ['-0.1', 'cbbfb999999999999a'],
  ['1e+300', 'cb7e37e43c8800759c'],
  ['""', 'a0'],
  ['"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"', 'bf78787878787878787878787878787878787878787878787878787878787878'],
  ['"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"', 'd9207878787878787878787878787878787878787878787878787878787878787878'],
  ['"é😀"', 'a6c3a9f09f9880'],
  ['[]', '90'],
  ['[1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]', '9f010101010101010101010101010101'],
  ['[1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]', 'dc001001010101010101010101010101010101'],
  ['{}', '80'],
  ['{"a": {"z": 1}}', '81a16181a17a01'],
] as const;

describe('MessagePack', () => {
  it.each(vectors)('says %s as Python does', (text, hex) => {
    expect(encodeMsgpack(parseJson(text)).toString('hex')).toBe(hex);
  });

  it.each([
    [255, 'd9ff'],
    [256, 'da0100'],
    [65_535, 'daffff'],
    [65_536, 'db00010000'],
  ])('begins a text of %i bytes with its length', (length, head) => {
    const bytes = encodeMsgpack('x'.repeat(length));

    expect(bytes.toString('hex').startsWith(head)).toBe(true);
    expect(bytes.length).toBe(length + head.length / 2);
  });

  it.each([2n ** 64n, -(2n ** 63n) - 1n])('refuses %s, which it has no form for', (value) => {
    expect(() => encodeMsgpack(value)).toThrow(RangeError);
  });
});
