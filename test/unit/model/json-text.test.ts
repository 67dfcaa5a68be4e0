import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Float, type Json, toFloat, toInt } from '../../../src/model/json.ts';
import { readJson } from '../../../src/model/json-reader.ts';
import { floatText, parseJson, printJson } from '../../../src/model/json-text.ts';

const number = fc.oneof(
  fc.integer(),
  fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }).map(toInt),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => (Object.is(value, -0) ? new Float(-0) : toFloat(value))),
  fc.integer().map((value) => new Float(value)),
);
const text = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.constantFrom('__proto__', 'a, 1.0', '": 1e5', '1'));
const json = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.constantFrom<Json>(null, true, false),
    number,
    text,
    fc.array(tie('value'), { maxLength: 4 }),
    fc
      .array(fc.tuple(text, tie('value')), { maxLength: 4 })
      .map((entries) => Object.fromEntries(entries) as { [key: string]: Json }),
  ),
})).value;

describe('JSON text', () => {
  it('reads back every value it printed', () => {
    fc.assert(
      fc.property(json, (value) => {
        expect(parseJson(printJson(value))).toStrictEqual(value);
      }),
      { numRuns: 2000 },
    );
  });

  it('reads the same by the fast and the careful way', () => {
    const limits = { maxDepth: 128, maxString: 1 << 20 };
    fc.assert(
      fc.property(json, fc.constantFrom(0, 1, 2), (value, space) => {
        const printed = space === 0 ? printJson(value) : printJson(value).replaceAll(/(?<=[:,[{])|(?=:)/g, ' '.repeat(space));
        let careful: unknown;
        try {
          careful = readJson(printed, limits);
        } catch {
          careful = 'refused';
        }
        if (careful !== 'refused') expect(parseJson(printed)).toStrictEqual(careful);
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    ['3', 3],
    ['-0', 0],
    ['[-0]', [0]],
    ['3.5', 3.5],
    ['3.0', new Float(3)],
    ['-0.0', new Float(-0)],
    ['{"a" : 1e3}', { a: new Float(1000) }],
    ['[ 1E-400]', [new Float(0)]],
    ['0.0000000', new Float(0)],
    ['1.00000000000000000001', new Float(1)],
    ['999999999999999.99', new Float(1e15)],
    ['123456789.99999999999', new Float(123456790)],
    ['9007199254740993', 9007199254740993n],
    ['9007199254740991', 9007199254740991],
    ['1e16', new Float(1e16)],
    [' [1, 2.50] ', [1, 2.5]],
    ['{"a":1,"a":2}', { a: 2 }],
    ['"10:00:00.000000"', '10:00:00.000000'],
  ])('reads %s exactly', (source, expected) => {
    expect(parseJson(source)).toStrictEqual(expected);
  });

  it('keeps __proto__ as an ordinary key in both ways of reading', () => {
    for (const source of ['{"__proto__":{"admin":true}}', '{"__proto__":{"admin":1.0}}']) {
      const value = parseJson(source) as { [key: string]: Json };
      expect(Object.hasOwn(value, '__proto__')).toBe(true);
      expect((value as { admin?: unknown }).admin).toBeUndefined();
      expect(printJson(value)).toBe(source);
    }
  });

  it.each([
    ['nothing', '', 'bad_json'],
    ['an open object', '{', 'bad_json'],
    ['a trailing comma', '[1,]', 'bad_json'],
    ['a trailing comma in an object', '{"a":1,}', 'bad_json'],
    ['two values', '[1] 2', 'bad_json'],
    ['a leading zero', '01', 'bad_json'],
    ['a bare point', '1.', 'bad_json'],
    ['a line feed in a string', '"a\nb"', 'bad_json'],
    ['an unknown escape', '"\\x"', 'bad_json'],
    ['half a word', 'tru', 'bad_json'],
    ['NaN', 'NaN', 'bad_number'],
    ['-Infinity', '[-Infinity]', 'bad_number'],
    ['1e400', '1e400', 'bad_number'],
    ['4,301 digits', '9'.repeat(4301), 'bad_number'],
    ['129 openers', '['.repeat(129), 'too_deep'],
    ['openers behind floats', '[1.0,'.repeat(200), 'too_deep'],
    ['a million openers', '['.repeat(1 << 20), 'too_deep'],
  ])('refuses %s', (_, source, code) => {
    expect(() => parseJson(source)).toThrow(expect.objectContaining({ class: 'poison', code }));
  });

  it('accepts the last depth and the last string length, and refuses the next', () => {
    const limits = { maxDepth: 2, maxString: 3 };

    expect(parseJson('[["abc"]]', limits)).toEqual([['abc']]);
    expect(() => parseJson('[[[]]]', limits)).toThrow(expect.objectContaining({ code: 'too_deep' }));
    expect(() => parseJson('["abcd"]', limits)).toThrow(expect.objectContaining({ code: 'string_too_long' }));
    expect(() => parseJson('{"abcd":1}', limits)).toThrow(expect.objectContaining({ code: 'string_too_long' }));
  });

  it('counts how deep a text nests, not how often it opens', () => {
    const limits = { maxDepth: 2, maxString: 100_000 };
    const wide = `[${'{"a\\"[[[":"[{\\\\"},'.repeat(500)}{}]`;

    expect(parseJson(wide, limits)).toEqual(JSON.parse(wide));
    expect(() => parseJson(`[${wide}]`, limits)).toThrow(expect.objectContaining({ code: 'too_deep' }));
  });

  it.each([
    [1, '1.0'],
    [1e15, '1000000000000000.0'],
    [1e16, '1e+16'],
    [1.5e22, '1.5e+22'],
    [1e100, '1e+100'],
    [0.0001, '0.0001'],
    [0.00001, '1e-05'],
    [1.25e-7, '1.25e-07'],
    [-2.5, '-2.5'],
    [Number.NaN, 'nan'],
    [Number.NEGATIVE_INFINITY, '-inf'],
  ])('prints the float %d as Python does', (value, printed) => {
    expect(floatText(value)).toBe(printed);
  });

  it('refuses to print what is not finite', () => {
    expect(() => printJson([new Float(Number.POSITIVE_INFINITY)])).toThrow(expect.objectContaining({ code: 'bad_number' }));
    expect(() => printJson(Number.NaN)).toThrow(expect.objectContaining({ code: 'bad_number' }));
  });
});
