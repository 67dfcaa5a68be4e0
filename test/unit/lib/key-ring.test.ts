import { describe, expect, it } from 'vitest';
import { createKeyRing } from '../../../src/lib/key-ring.ts';

const first = '1'.repeat(32);
const second = '2'.repeat(32);
const ringOf = (active: string, ...kids: readonly ('k1' | 'k2')[]) =>
  createKeyRing(active, new Map(kids.map((kid) => [kid, kid === 'k1' ? first : second])));

describe('a key ring', () => {
  it('verifies what it signed, and nothing else', () => {
    const ring = ringOf('k1', 'k1');
    const signature = ring.sign('member', 'alice');

    expect(ring.verify(signature, 'member', 'alice')).toBe(true);
    expect(ring.verify(signature, 'member', 'mallory')).toBe(false);
    expect(ring.verify(signature, 'member')).toBe(false);
  });

  it('tells lists of parts apart that read alike when joined', () => {
    const ring = ringOf('k1', 'k1');

    expect(ring.verify(ring.sign('ab', 'c'), 'a', 'bc')).toBe(false);
    expect(ring.verify(ring.sign('ab', 'c'), 'abc')).toBe(false);
    expect(ring.verify(ring.sign('1:a'), '1', 'a')).toBe(false);
  });

  it('signs text as the bytes it is in UTF-8', () => {
    const ring = ringOf('k1', 'k1');

    expect(ring.verify(ring.sign('ünï 💡'), new TextEncoder().encode('ünï 💡'))).toBe(true);
  });

  it('lets keys change in three steps without a moment in which agents do not know each other', () => {
    const steps = [ringOf('k1', 'k1'), ringOf('k1', 'k1', 'k2'), ringOf('k2', 'k1', 'k2'), ringOf('k2', 'k2')];

    for (let step = 0; step + 1 < steps.length; step++)
      for (const [from, to] of [
        [steps[step], steps[step + 1]],
        [steps[step + 1], steps[step]],
      ] as const)
        expect(from !== undefined && to?.verify(from.sign('x'), 'x')).toBe(true);
  });

  it('refuses an unknown key, another key under a known name, and codes that are no code', () => {
    const ring = ringOf('k1', 'k1');
    const { kid, mac } = ring.sign('x');
    const other = createKeyRing('k1', new Map([['k1', second]]));

    expect(ring.knows('k2')).toBe(false);
    expect(ring.verify(ringOf('k2', 'k2').sign('x'), 'x')).toBe(false);
    expect(ring.verify(other.sign('x'), 'x')).toBe(false);
    for (const bad of ['', 'zz', mac.slice(2), `${mac}00`, `${mac}zz`, mac.toUpperCase().replace(/^./, 'G')])
      expect(ring.verify({ kid, mac: bad }, 'x')).toBe(false);
  });

  it('cannot be made of short keys, or without the one that signs', () => {
    expect(() => createKeyRing('k1', new Map([['k1', 'change this']]))).toThrow('shorter than 32 bytes');
    expect(() => createKeyRing('k3', new Map([['k1', first]]))).toThrow('active key k3');
  });
});
