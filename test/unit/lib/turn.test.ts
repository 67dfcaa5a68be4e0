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
});
