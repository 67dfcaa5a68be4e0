import { describe, expect, it } from 'vitest';
import { compileSourceFilter } from '../../../src/core/route/source-filter.ts';

describe('a source', () => {
  it.each([
    [['*'], 'cpu', true],
    [['cpu'], 'cpu', true],
    [['cpu'], 'cpu_util', false],
    [['cpu'], 'CPU', false],
    [['disk.*', 'cpu'], 'disk.read', true],
    [['!cpu'], 'cpu', false],
    [['!cpu'], 'disk.read', true],
    [['*', '!disk.*'], 'disk.read', false],
    [['*', '!disk.*'], 'cpu', true],
    [['*.bytes', '!disk.*'], 'disk.read.bytes', false],
    [['*.bytes', '!disk.*'], 'net.bytes', true],
    [['*.bytes', '!disk.*'], 'cpu', false],
  ])('%j and %s: %s', (patterns, name, passes) => {
    expect(compileSourceFilter(patterns)(name)).toBe(passes);
  });

  it.each([
    [[]],
    [['']],
    [['cpu', '']],
    [['cpu', '!disk']],
    [['disk.*', '!disk.device.*']],
    [['cpu', '*']],
  ])('refuses %j', (patterns) => {
    expect(() => compileSourceFilter(patterns)).toThrow(expect.objectContaining({ class: 'fatal', code: 'bad_match' }));
  });
});
