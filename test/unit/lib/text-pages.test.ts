import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PagePool, TextPages } from '../../../src/lib/text-pages.ts';

describe('pages of text', () => {
  it('hold any texts in UTF-8, beside each other, until they are let go of', () => {
    // Several to a page of 256 KiB, one to a page, and none.
    const size = fc.constantFrom(1, 60_000, 120_000, 300_000);
    const text = fc
      .tuple(fc.string({ unit: 'binary', minLength: 1, maxLength: 10 }), size)
      .map(([some, times]) => some.repeat(times / some.length));
    fc.assert(
      fc.property(fc.array(text, { maxLength: 8 }), (texts) => {
        const pages = new TextPages(new PagePool(4));
        const held = texts.map((one) => pages.hold(one));

        expect(held.every((bytes, at) => Buffer.from(texts[at] ?? '').equals(bytes))).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  it('are written anew once they were let go of, not before', () => {
    const pool = new PagePool(1);
    const [first, second, third] = [new TextPages(pool), new TextPages(pool), new TextPages(pool)];
    const one = first.hold('one');
    const two = second.hold('two');
    expect(two.buffer).not.toBe(one.buffer);

    first.release();

    expect(third.hold('three').buffer).toBe(one.buffer);
    expect(Buffer.from(two).toString()).toBe('two');
  });

  it('are kept up to their number', () => {
    const pool = new PagePool(1);
    const [first, second] = [new TextPages(pool), new TextPages(pool)];
    const [one, two] = [first.hold('one').buffer, second.hold('two').buffer];
    first.release();
    second.release();

    expect(pool.take().buffer).toBe(one);
    expect([one, two]).not.toContain(pool.take().buffer);
  });
});
