import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inflate } from '../../../src/inputs/http/inflate.ts';
import { toParts } from '../../../src/inputs/http/request-body.ts';

const textsOf = (body: string, ndjson = false) =>
  toParts(Buffer.from(body), ndjson, 100).map((part) => Buffer.from(part.bytes).toString().trim());

describe('the body of a request', () => {
  it('is cut into the items of an array, byte for byte', () => {
    const anyObject = fc.dictionary(fc.string(), fc.jsonValue(), { maxKeys: 4 });
    fc.assert(
      fc.property(fc.array(anyObject, { maxLength: 8 }), fc.constantFrom('', ' ', '\n\t'), (items, space) => {
        const texts = items.map((item) => JSON.stringify(item));

        expect(textsOf(`${space}[${texts.join(`${space},${space}`)}${space}]${space}`)).toEqual(texts);
        expect(textsOf(texts.join('\n'), true)).toEqual(texts);
      }),
    );
  });

  it('keeps every digit', () => {
    expect(textsOf('[{"n": 9007199254740993}, {"n": 1.0}]')).toEqual(['{"n": 9007199254740993}', '{"n": 1.0}']);
  });

  it.each([
    ['{"a":1}\n\n{oops}\n', true, 3],
    ['[{"a":1},{oops}]', false, 2],
    ['[{"a":1},{"b":2}', false, 2],
    ['[{"a":1}] x', false, 1],
    ['[{"a":1},]', false, 2],
    ['[{"a":1},5]', false, 2],
    ['[[]]', false, 1],
    ['[{"a":"\\"]}', false, 1],
    ['"text"', false, 1],
    ['', false, 1],
    ['{"a":NaN}', false, 1],
  ])('%j is refused, naming the line', (body, ndjson, line) => {
    expect(() => textsOf(body, ndjson)).toThrow(expect.objectContaining({ statusCode: 400, details: { line } }));
  });

  it('is refused when it is not UTF-8', () => {
    const body = Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xc3, 0x28]), Buffer.from('"}')]);

    expect(() => toParts(body, false, 100)).toThrow(expect.objectContaining({ statusCode: 400 }));
  });

  it('is refused above the bound of notifications', () => {
    expect(() => textsOf('{}\n'.repeat(101), true)).toThrow(expect.objectContaining({ statusCode: 413 }));
  });

  it('survives any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.boolean(), (bytes, ndjson) => {
        try {
          toParts(bytes, ndjson, 10);
        } catch (thrown) {
          expect(thrown).toMatchObject({ name: 'Problem' });
        }
      }),
    );
  });

  it('survives a million opened brackets', () => {
    expect(() => textsOf(`[${'['.repeat(1_000_000)}`)).toThrow(expect.objectContaining({ statusCode: 400 }));
    expect(() => textsOf(`{"a":${'['.repeat(1_000_000)}${']'.repeat(1_000_000)}}`)).not.toThrow(RangeError);
  });
});

describe('a compressed body', () => {
  const bound = { maxBytes: 10_000_000, maxRatio: 10 };

  it('is inflated', async () => {
    expect((await inflate(gzipSync('{"a":1}'), 'gzip', bound)).toString()).toBe('{"a":1}');
  });

  it('is refused when it grows beyond the ratio', async () => {
    await expect(inflate(gzipSync('x'.repeat(5_000_000)), 'gzip', bound)).rejects.toMatchObject({ statusCode: 413 });
  });

  it('is refused when it is not what it says', async () => {
    await expect(inflate(Buffer.from('plain'), 'gzip', bound)).rejects.toMatchObject({ statusCode: 400 });
    await expect(inflate(Buffer.from('plain'), 'br', bound)).rejects.toMatchObject({ statusCode: 415 });
  });
});
