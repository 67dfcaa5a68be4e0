import { describe, expect, it } from 'vitest';
import { mostSteps } from '../../../src/core/python/regex/machine.ts';
import { compilePattern } from '../../../src/core/python/regex/pattern.ts';

describe('Python regular expression', () => {
  it.each([
    ['compute.instance.(?!create.start|update).*', 'compute.instance.create.end', true],
    ['compute.instance.(?!create.start|update).*', 'compute.instance.create.start', false],
    ['compute.instance.(?!create.start|update).*', 'compute.instance.update', false],
    ['image.size', 'image.size.more', true], // anchored at the left only
    ['size', 'image.size', false],
    ['a$', 'a\n', true],
    ['a\\Z', 'a\n', false],
    ['(?i)abc', 'ABC', true],
    ['[^\\W\\d]+$', 'éa_', true],
    ['(?<=a)b', 'ab', false],
    ['(a)\\1', 'aa', true],
    ['a{2,3}$', 'aaaa', false],
    ['(?P<n>x)(?P=n)', 'xx', true],
    ['.', '😀', true],
    ['.$', '😀', true],
  ])('%s on %s: %s', (pattern, text, matches) => {
    expect(compilePattern(pattern).matches(text)).toBe(matches);
  });

  it.each([
    ['x*', '-', 'abxd', '-a-b--d-'],
    ['(a)|b', '[\\1]', 'abc', '[a][]c'],
    ['.*', '', 'success', ''],
    ['(?P<v>\\d+)', '<\\g<v>>', 'a12b3', 'a<12>b<3>'],
    ['é', '\\n', 'aéb', 'a\nb'],
  ])('%s replaced by %j in %s', (pattern, replacement, text, result) => {
    expect(compilePattern(pattern).replace(replacement, text)).toBe(result);
  });

  it.each([
    '*',
    'a**',
    '(',
    ')',
    '[a',
    '\\q',
    '(?P<1>a)',
    '\\1',
    '(?<=a+)b',
    'a{3,2}',
    '(?Z)',
    'a(?i)b',
    '[b-a]',
  ])('refuses %s', (pattern) => {
    expect(() => compilePattern(pattern)).toThrow(expect.objectContaining({ kind: 're.error' }));
  });

  const text = `${'a'.repeat(50_000)}!`;

  // More steps than the bound would throw; a clock would measure the neighbours on the machine instead.
  it.each([
    '(a+)+$',
    '(a*)*b',
    '(a|aa)+$',
    '(a|a?)+$',
    '(.*)*x',
    '(\\w+\\s?)*$',
    'a*a*a*a*b',
  ])('%s on 50,000 a ends within the bound of steps', (source) => {
    expect(compilePattern(source).matches(text)).toBe(false);
  });

  it.each([
    '(a+)+$',
    '(a*)*b',
    '(a|aa)+$',
    '(a|a?)+$',
    '(\\w+\\s?)*$',
  ])('%s takes twice the steps for twice the text, and few', (source) => {
    const pattern = compilePattern(source);
    const stepsOf = (length: number) => {
      const steps = { left: mostSteps };
      pattern.matches(`${'a'.repeat(length)}!`, steps);
      return mostSteps - steps.left;
    };
    const [half, whole] = [stepsOf(25_000), stepsOf(50_000)];

    expect(whole / half).toBeLessThan(2.01);
    expect(whole / 50_000).toBeLessThan(20);
  });

  it.each(['(a+)+\\1$', '(?:(?=(a+)+$)a)*b'])('%s stops at the bound of steps', (source) => {
    expect(() => compilePattern(source).replace('', `${'a'.repeat(50_000)}!`)).toThrow(
      expect.objectContaining({ kind: 'MemoryError' }),
    );
  });
});
