import { describe, expect, it } from 'vitest';
import { isLess } from '../../../src/core/python/compare.ts';
import { parseDateTime, quickUtc, secondsBetween, toIsoFormat, toNaiveUtc } from '../../../src/core/python/datetime.ts';
import { compileGlob } from '../../../src/core/python/glob.ts';
import { calculate, pyFloat, pyInt } from '../../../src/core/python/number.ts';
import { compareText, pyCut, pyStr } from '../../../src/core/python/text.ts';
import { Float, type Json } from '../../../src/model/json.ts';
import { parseJson } from '../../../src/model/json-text.ts';

describe('Python values', () => {
  it.each([
    ['true', 'True'],
    ['null', 'None'],
    ['1.0', '1.0'],
    ['1e16', '1e+16'],
    ['{"k": [1, null, "x"]}', "{'k': [1, None, 'x']}"],
    ['["it\'s"]', '["it\'s"]'],
    ['["a\\"b\'c"]', "['a\"b\\'c']"],
    ['["\\u00e9\\u0007\\u200b\\n\\\\"]', "['é\\x07\\u200b\\n\\\\']"],
    ['["\\u00a0 \\ud83d\\ude00"]', "['\\xa0 😀']"],
    ['12345678901234567890', '12345678901234567890'],
  ])('str of %s is %s', (json, text) => {
    expect(pyStr(parseJson(json))).toBe(text);
  });

  it('cuts at code points and orders by them', () => {
    expect(pyCut('😀'.repeat(300), 255)).toBe('😀'.repeat(255));
    expect(compareText('\uffff', '😀')).toBeLessThan(0);
  });

  it.each<[Json, unknown]>([
    ['12', 12],
    [' -7 ', -7],
    ['1_000', 1000],
    [2.9, 2],
    [-2.9, -2],
    [true, 1],
    [new Float(1e20), 100000000000000000000n],
    ['12.5', 'ValueError'],
    ['', 'ValueError'],
    [null, 'TypeError'],
    [new Float(Number.POSITIVE_INFINITY), 'OverflowError'],
  ])('int(%j) is %s', (value, expected) => {
    if (typeof expected === 'string') expect(() => pyInt(value)).toThrow(expect.objectContaining({ kind: expected }));
    else expect(pyInt(value)).toBe(expected);
  });

  it.each<[Json, number | string]>([
    ['12.5', 12.5],
    [' 1e3 ', 1000],
    ['.5', 0.5],
    ['5.', 5],
    ['-inf', Number.NEGATIVE_INFINITY],
    ['nan', Number.NaN],
    ['0x10', 'ValueError'],
    ['12 V', 'ValueError'],
    [[], 'TypeError'],
  ])('float(%j) is %s', (value, expected) => {
    if (typeof expected === 'string') expect(() => pyFloat(value)).toThrow(expect.objectContaining({ kind: expected }));
    else expect(pyFloat(value)).toBe(expected);
  });

  it('calculates exactly and only what Python can', () => {
    expect(calculate('*', 9007199254740991, 3)).toBe(27021597764222973n);
    expect(calculate('+', [1], [2])).toEqual([1, 2]);
    expect(() => calculate('-', 'a', 'b')).toThrow(expect.objectContaining({ kind: 'TypeError' }));
    expect(() => calculate('+', null, 1)).toThrow(expect.objectContaining({ kind: 'TypeError' }));
    expect(() => calculate('*', 'a', 1e9)).toThrow(expect.objectContaining({ kind: 'MemoryError' }));
    expect(isLess(9007199254740992n, new Float(9007199254740994))).toBe(true);
    expect(() => isLess(1, 'a')).toThrow(expect.objectContaining({ kind: 'TypeError' }));
  });
});

describe('Python times', () => {
  it.each([
    ['2024-03-04 05:06:07.123456', '2024-03-04T05:06:07.123456+00:00', '2024-03-04T05:06:07.123456'],
    ['2024-03-04T05:06:07.000000Z', '2024-03-04T05:06:07+00:00', '2024-03-04T05:06:07'],
    ['2024-03-04T05:06:07+01:30', '2024-03-04T05:06:07+01:30', '2024-03-04T03:36:07'],
    ['2024-03-04T00:06:07.5-0100', '2024-03-04T00:06:07.500000-01:00', '2024-03-04T01:06:07.500000'],
    ['2024-02-29 23:30:00-01', '2024-02-29T23:30:00-01:00', '2024-03-01T00:30:00'],
    ['20240304T0506', '2024-03-04T05:06:00+00:00', '2024-03-04T05:06:00'],
    ['2024', '2024-01-01T00:00:00+00:00', '2024-01-01T00:00:00'],
    ['2024-2-3', '2024-02-03T00:00:00+00:00', '2024-02-03T00:00:00'],
  ])('%s', (text, iso, naive) => {
    expect(toIsoFormat(text)).toBe(iso);
    expect(toNaiveUtc(text)).toBe(naive);
  });

  it.each([
    '',
    'nope',
    '202401',
    '2023-02-29',
    '2024-13-01',
    '2024-01-01 24:00:00',
    '2024-01-01T00:00:60',
    '0000-01-01',
    5,
    null,
  ])('%j is no time', (value) => {
    expect(() => parseDateTime(value)).toThrow(expect.objectContaining({ kind: 'ValueError' }));
    expect(quickUtc(value)).toBeUndefined();
  });

  it('measures across offsets and months', () => {
    expect(secondsBetween(parseDateTime('2019-12-31T23:59:50+01:00'), parseDateTime('2020-01-01 00:01:40.5'))).toBe(3710.5);
  });
});

describe('fnmatch', () => {
  it.each([
    ['disk.*', 'disk.read', true],
    ['disk.*', 'Disk.read', false],
    ['*.bytes', 'disk.read.bytes', true],
    ['a?c', 'abc', true],
    ['a?c', 'a😀c', true],
    ['[!a]b', 'ab', false],
    ['[a-c]x', 'bx', true],
    ['[]x]', ']', true],
    ['[c-a]', 'b', false],
    ['a[', 'a[', true],
    ['*', '', true],
    ['a.b', 'axb', false],
  ])('%s on %s: %s', (pattern, name, matches) => {
    expect(compileGlob(pattern)(name)).toBe(matches);
  });

  it('needs no more than pattern times name', () => {
    expect(compileGlob(`${'*a'.repeat(200)}b`)('a'.repeat(5000))).toBe(false);
  });
});
