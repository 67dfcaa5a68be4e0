import { describe, expect, it } from 'vitest';
import { leaveInOrder } from '../../../src/agent/shutdown.ts';
import { ManualClock } from '../../../src/lib/manual-clock.ts';

const never = () => new Promise<void>(() => undefined);

/** Leaves while time passes; says what was cut, and when it was over. */
async function leave(...ends: readonly ((hard: AbortSignal) => Promise<void>)[]) {
  const clock = new ManualClock();
  const hard = new AbortController();
  const order: number[] = [];
  const phases = ends.map((end, index) => ({
    name: `phase ${index}`,
    end: () => {
      order.push(index);
      return end(hard.signal);
    },
  }));
  let hung: readonly string[] | null = null;
  const leaving = leaveInOrder(phases, hard, 20_000, clock).then((names) => {
    hung = names;
  });
  let seconds = 0;
  for (; hung === null && seconds < 100; seconds++) {
    await new Promise((resolve) => setImmediate(resolve));
    await clock.advance(1_000);
  }
  await leaving;
  return { hung, order, seconds, cut: hard.signal.aborted };
}

describe('leaving', () => {
  it('goes phase by phase, and cuts nothing that ends by itself', async () => {
    const left = await leave(
      async () => undefined,
      async () => undefined,
    );

    expect(left).toMatchObject({ hung: [], order: [0, 1], cut: false });
  });

  it('cuts what still hangs after three quarters of its time, names it, and goes on', async () => {
    const untilCut = (hard: AbortSignal) => new Promise<void>((resolve) => hard.addEventListener('abort', () => resolve()));
    const left = await leave(
      async () => undefined,
      untilCut,
      async () => undefined,
    );

    expect(left).toMatchObject({ hung: ['phase 1'], order: [0, 1, 2], cut: true });
    expect(left.seconds).toBeLessThanOrEqual(17);
  });

  it('is over in its time however many phases hang', async () => {
    const left = await leave(never, never, never, never, never);

    expect(left.hung).toEqual(['phase 0', 'phase 1', 'phase 2', 'phase 3', 'phase 4']);
    expect(left.seconds).toBeLessThanOrEqual(22);
  });

  it('names what failed', async () => {
    const left = await leave(async () => {
      throw new Error('the disk is full');
    });

    expect(left.hung).toEqual(['phase 0: the disk is full']);
  });
});
