import { describe, expect, it } from 'vitest';
import { compileExpression } from '../../../src/core/expression/expression.ts';
import { compileSubstitution } from '../../../src/core/expression/substitution.ts';
import { Float, type Json } from '../../../src/model/json.ts';

const names = { volume: 7, name: 'cpu', f: 0.5, big: 2n ** 64n, resource_metadata: { cpu_number: 4, none: null, list: [1, 2] } };

function run(text: string): Json {
  return compileExpression(text).evaluate(names);
}

describe('an expression', () => {
  it.each<[string, Json]>([
    ['1 + 2 * 3', 7],
    ['2 ** 3 ** 2', 512],
    ['-2 ** 2', -4],
    ['7 / 2', 3.5],
    ['6 / 2', new Float(3)],
    ['-7 // 2', -4],
    ['-7 % 3', 2],
    ['7.5 // -2', new Float(-4)],
    ['10 ** 20', 100_000_000_000_000_000_000n],
    ['big + 1', 18_446_744_073_709_551_617n],
    ['big / 3', new Float(6148914691236517000)],
    ['100.0 / (10**9 * (resource_metadata.cpu_number or 1))', 2.5e-8],
    ['resource_metadata.nothing or 3', 3],
    ['nothing.at.all or "x"', 'x'],
    ['1 < volume < 10', true],
    ['1 < 0 < nothing', false],
    ['"a" if volume > 5 else "b"', 'a'],
    ['not volume == 7', false],
    ['name in ["cpu", "disk"] and name not in "xyz"', true],
    ["resource_metadata['list'][-1]", 2],
    ['"ab" * 2 + "c"', 'ababc'],
    ['True + True', 2],
    ['1 == 1.0', true],
    ['9007199254740993 > 9007199254740992.0', true],
    ['1e400', new Float(Number.POSITIVE_INFINITY)],
    ['0x1F | 1_000', 1023],
    ['resource_metadata.none is None', true],
  ])('%s', (text, value) => {
    expect(run(text)).toEqual(value);
  });

  it.each([
    'nothing * 2',
    '1 / 0',
    'max(1, 2)',
    '"a" + 1',
    'name.upper',
    '10 ** 100000',
    '"a" * 99999999',
    '(-8) ** 0.5',
    '1 << 999999',
  ])('%s fails as poison', (text) => {
    const expression = compileExpression(text);

    expect(() => expression.evaluate(names)).toThrow(expect.objectContaining({ class: 'poison', code: 'expression_failed' }));
  });

  it.each([
    ['1 +', 4],
    ['(1', 3],
    ['a b', 3],
    ['1 if 2', 7],
    ['a.1', 2],
    ['x = 3', 3],
    ['"open', 1],
    ['lambda: 1', 1],
    ['$(cpu)', 1],
  ])('%s is refused with column %i', (text, column) => {
    expect(() => compileExpression(text)).toThrow(expect.objectContaining({ code: 'bad_expression', column }));
  });

  it('is bounded in length, parts and depth', () => {
    for (const text of [
      '1'.repeat(5_000),
      `1${'+1'.repeat(1_000)}`,
      `${'('.repeat(100)}1${')'.repeat(100)}`,
      `${'-'.repeat(500)}1`,
    ])
      expect(() => compileExpression(text)).toThrow(expect.objectContaining({ code: 'bad_expression' }));
  });

  it('says at load which calls can never work', () => {
    expect(compileExpression('max(volume, 1)').problems).toEqual(['functions cannot be called (column 4)']);
  });

  it('reaches nothing of the machine through a name', () => {
    expect(run('constructor or __proto__ or resource_metadata.constructor or 1')).toBe(1);
  });
});

describe('a substitution', () => {
  it.each<[string, string, string, string | null]>([
    ['(.*)\\.bytes', '\\1.kb', 'disk.bytes', 'disk.kb'],
    ['(?P<a>[a-z]+)', '<\\g<a>>', 'ab.c', '<ab>.<c>'],
    ['x*', '-', 'abxd', '-a-b--d-'],
    ['(a)|b', '[\\1]', 'ab', '[a][]'],
    ['$', '!', 'a', 'a!'],
    ['[]x]', '_', 'a]x', 'a__'],
    ['\\w', '.', 'é ', '. '],
  ])('of %s by %s in %s', (pattern, replacement, text, expected) => {
    expect(compileSubstitution(pattern, replacement)?.(text)).toBe(expected);
  });

  it.each([
    ['(', 'x'],
    ['a', '\\9'],
    ['a', '\\g<b>'],
    ['a', '\\q'],
    ['\\1', ''],
  ])('of %s by %s is none', (pattern, replacement) => {
    expect(compileSubstitution(pattern, replacement)).toBeNull();
  });

  it.each(['(a+)+$', '(a|aa)+$', '(.*)*x'])('by %s ends on a long text that does not match', (pattern) => {
    const text = `${'a'.repeat(50_000)}!`;

    expect(compileSubstitution(pattern, 'x')?.(text)).toBe(text);
  });

  it('stops at the bound of steps where a pattern refers back', () => {
    expect(() => compileSubstitution('(a+)+\\1$', 'x')?.(`${'a'.repeat(50_000)}!`)).toThrow(
      expect.objectContaining({ kind: 'MemoryError' }),
    );
  });
});
