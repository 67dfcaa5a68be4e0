import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FrameReader } from '../../../src/core/spool/frame-reader.ts';
import { unpack } from '../../../src/core/spool/msgpack-reader.ts';
import { Fault } from '../../../src/model/faults.ts';
import { Float, toFloat, toInt } from '../../../src/model/json.ts';
import { EventTime, type Packed } from '../../../src/model/msgpack-value.ts';
import { pack } from '../../../src/model/msgpack-writer.ts';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const bytes = (text: string) => new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'));

const { packed } = fc.letrec<{ packed: Packed }>((tie) => ({
  packed: fc.oneof(
    { depthSize: 'small' },
    fc.constant(null),
    fc.boolean(),
    fc.bigInt(-(2n ** 63n), 2n ** 64n - 1n).map(toInt),
    fc.integer(),
    fc.double().map((value) => toFloat(value) as Packed),
    fc.string({ unit: 'grapheme', maxLength: 300 }),
    fc.uint8Array({ maxLength: 300 }),
    fc.tuple(fc.nat(), fc.nat(999_999_999)).map(([seconds, nanoseconds]) => new EventTime(seconds, nanoseconds)),
    fc.array(tie('packed'), { maxLength: 40 }),
    fc.dictionary(fc.string(), tie('packed'), { maxKeys: 40 }),
  ),
}));

describe('MessagePack', () => {
  it.each<[string, Packed, string]>([
    ['nil', null, 'c0'],
    ['a small int', 127, '7f'],
    ['a small negative int', -32, 'e0'],
    ['a text', 'abc', 'a3616263'],
    ['a map', { a: 1 }, '81a16101'],
    ['an array', [true, false], '92c3c2'],
    ['bytes', new Uint8Array([1, 2]), 'c4020102'],
    ['an integral float', new Float(1), 'cb3ff0000000000000'],
    ['64 bits', 2n ** 64n - 1n, 'cfffffffffffffffff'],
    ['an EventTime', new EventTime(1, 2), 'd7000000000100000002'],
  ])('writes %s as its specification says', (_what, value, expected) => {
    expect(hex(pack(value))).toBe(expected);
  });

  it.each<[string, string, Packed]>([
    ['uint 8', 'cc ff', 255],
    ['uint 16', 'cd 01 00', 256],
    ['int 16', 'd1 ff 00', -256],
    ['float 32', 'ca 3f c0 00 00', 1.5],
    ['str 8', 'd9 01 61', 'a'],
    ['str 32', 'db 00 00 00 01 61', 'a'],
    ['array 16', 'dc 00 01 c0', [null]],
    ['map 32', 'df 00 00 00 01 a1 61 c0', { a: null }],
    ['a key of bytes', '81 c4 01 61 c0', { a: null }],
    ['ext 8 of type 0 with 8 bytes', 'c7 08 00 00 00 00 01 00 00 00 02', new EventTime(1, 2)],
  ])('reads %s, which others write', (_what, text, expected) => {
    expect(unpack(bytes(text))).toEqual(expected);
  });

  it('gives back whatever was written, ints and floats apart', () => {
    fc.assert(
      fc.property(packed, (value) => {
        expect(unpack(pack(value))).toEqual(value);
      }),
    );
  });

  it('keeps a key called __proto__ or constructor as any other', () => {
    const value = unpack(
      pack(
        Object.fromEntries([
          ['__proto__', 1],
          ['constructor', { prototype: 2 }],
        ]),
      ),
    );

    expect(Object.keys(value as object)).toEqual(['__proto__', 'constructor']);
    expect(({} as { readonly polluted?: unknown }).polluted).toBeUndefined();
  });

  it('reads any bytes or refuses them with a Fault, and never runs wild', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (some) => {
        try {
          unpack(some);
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(Fault);
        }
      }),
    );
  });
});

describe('a frame reader', () => {
  const limits = { maxBytes: 1_000_000, maxDepth: 64 };

  it('cuts the same frames however the bytes are cut', () => {
    fc.assert(
      fc.property(
        fc.array(packed, { maxLength: 8 }),
        fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }),
        (values, cuts) => {
          const stream = Buffer.concat(values.map((value) => pack(value)));
          const reader = new FrameReader(limits);
          const frames: Packed[] = [];
          for (let at = 0, i = 0; at < stream.length; i++) {
            const size = cuts[i % cuts.length] as number;
            reader.push(stream.subarray(at, at + size));
            at += size;
            for (let frame = reader.next(); frame !== undefined; frame = reader.next()) frames.push(unpack(frame));
          }

          expect(frames).toEqual(values);
          expect(reader.heldBytes).toBe(0);
        },
      ),
    );
  });

  it.each([
    ['four thousand million bytes', 'c6 ff ff ff ff', 'frame_too_large'],
    ['four thousand million values', 'dd ff ff ff ff', 'frame_too_large'],
    ['a million and one bytes in pieces', `93 ${'c6 00 0f 42 40'}`, 'frame_too_large'],
    ['no end of arrays', '91'.repeat(100), 'frame_too_deep'],
    ['a byte that begins nothing', 'c1', 'bad_frame'],
  ])('refuses %s as soon as they are announced', (_what, text, code) => {
    const reader = new FrameReader(limits);
    reader.push(bytes(text));

    expect(() => reader.next()).toThrow(expect.objectContaining({ code }));
  });

  it('looks at each byte of a large frame once, however slowly it comes', () => {
    const frame = pack(Array.from({ length: 20_000 }, (_, i) => i));
    const reader = new FrameReader(limits);
    const began = performance.now();
    for (const byte of frame) {
      reader.push(new Uint8Array([byte]));
      reader.next();
    }

    // Twenty thousand times twenty thousand would be a minute.
    expect(performance.now() - began).toBeLessThan(5_000);
  });
});
