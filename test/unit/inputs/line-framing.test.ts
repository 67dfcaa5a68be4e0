import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Line, LineFramer } from '../../../src/lib/line-framing.ts';

const frame = (chunks: readonly string[], maxBytes = 100): Line[] => {
  const framer = new LineFramer(maxBytes);
  return [...chunks.flatMap((chunk) => framer.push(Buffer.from(chunk))), ...framer.end()];
};
const texts = (lines: readonly Line[]) => lines.map((line) => Buffer.from(line.bytes).toString());

describe('the line framer', () => {
  it('returns the same lines however the stream was cut', () => {
    const anyLines = fc.array(fc.string({ unit: fc.constantFrom('a', 'ü', '{', ' ') }), { maxLength: 20 });
    const anyCuts = fc.array(fc.nat(200), { maxLength: 10 });
    fc.assert(
      fc.property(anyLines, anyCuts, (lines, cuts) => {
        const whole = Buffer.from(lines.join('\n'));
        const borders = [...new Set([0, ...cuts.map((cut) => Math.min(cut, whole.length)), whole.length])].sort((a, b) => a - b);
        const framer = new LineFramer(1000);
        const got = borders.slice(1).flatMap((border, index) => framer.push(Buffer.from(whole.subarray(borders[index], border))));
        got.push(...framer.end());

        expect(texts(got)).toEqual(lines.filter((line) => line !== ''));
        for (const line of got) expect(Buffer.from(lines[line.number - 1] ?? '').equals(line.bytes)).toBe(true);
      }),
    );
  });

  it('says where the next line begins', () => {
    expect(frame(['ab\n\ncd\r\n', 'e']).map(({ end, number }) => ({ end, number }))).toEqual([
      { end: 3, number: 1 },
      { end: 8, number: 3 },
      { end: 9, number: 4 },
    ]);
  });

  it('goes on from an offset and a line', () => {
    const framer = new LineFramer(100, { offset: 50, line: 7 });

    expect(framer.push(Buffer.from('x\n'))).toMatchObject([{ end: 52, number: 8 }]);
  });

  it('keeps the beginning of an over-long line, and the whole next one', () => {
    const lines = frame(['x'.repeat(150), 'x'.repeat(150), '\nshort\n'], 100);

    expect(lines.map(({ bytes, cut }) => [bytes.length, cut])).toEqual([
      [100, true],
      [5, false],
    ]);
  });

  it('takes a line of exactly the bound', () => {
    expect(frame(['x'.repeat(100), '\n'], 100)).toMatchObject([{ cut: false }]);
  });

  it('drops the carriage return before a newline only', () => {
    expect(texts(frame(['a\rb\r\nc\r']))).toEqual(['a\rb', 'c']);
  });
});
