import { describe, expect, it } from 'vitest';
import { Turn } from '../../../src/lib/turn.ts';

describe('a turn', () => {
  it('is over after ten milliseconds, and begins anew once others had theirs', async () => {
    let now = 0;
    const turn = new Turn({ monotonic: () => now });
    const others: string[] = [];
    setImmediate(() => others.push('another'));
    now = 9;
    const before = turn.isOver;
    now = 10;
    const after = turn.isOver;
    await turn.next();

    expect([before, after, turn.isOver, others]).toEqual([false, true, false, ['another']]);
  });

  it('is over for all who work in it, and those who waited take the next ones one by one', async () => {
    let now = 0;
    const clock = { monotonic: () => now };
    let passes = 0;
    let counting = true;
    const count = () => {
      passes += 1;
      if (counting) setImmediate(count);
    };
    setImmediate(count);
    const found: boolean[] = [];
    const passOf: number[] = [];
    const work = async () => {
      const turn = new Turn(clock);
      now += 100;
      found.push(turn.isOver);
      await turn.next();
      passOf.push(passes);
      now += 100;
    };

    await Promise.all([work(), work(), work()]);
    counting = false;

    expect(found).toEqual([true, true, true]);
    expect(new Set(passOf).size).toBe(3);
  });
});
