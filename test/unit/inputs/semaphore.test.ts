import { describe, expect, it } from 'vitest';
import { Semaphore } from '../../../src/lib/semaphore.ts';

describe('the semaphore', () => {
  it('grants what there is, up to what is asked', async () => {
    const semaphore = new Semaphore(5);

    expect(await semaphore.acquireUpTo(3)).toBe(3);
    expect(await semaphore.acquireUpTo(9)).toBe(2);
  });

  it('serves waiters in the order they came', async () => {
    const semaphore = new Semaphore(1);
    await semaphore.acquireUpTo(1);
    const order: string[] = [];
    const first = semaphore.acquireUpTo(1).then(() => order.push('first'));
    const second = semaphore.acquireUpTo(1).then(() => order.push('second'));

    semaphore.release();
    await first;
    semaphore.release();
    await second;

    expect(order).toEqual(['first', 'second']);
  });

  it('takes nothing for a waiter that left', async () => {
    const semaphore = new Semaphore(1);
    await semaphore.acquireUpTo(1);
    const leaving = new AbortController();
    const gone = semaphore.acquireUpTo(1, leaving.signal);

    leaving.abort(new Error('left'));

    await expect(gone).rejects.toThrow('left');
    semaphore.release();
    expect(semaphore.free).toBe(1);
  });

  it('is idle when all permits are back', async () => {
    const semaphore = new Semaphore(2);
    await semaphore.acquireUpTo(2);
    let idle = false;
    const waiting = semaphore.idle().then(() => {
      idle = true;
    });

    semaphore.release();
    await Promise.resolve();
    const early = idle;
    semaphore.release();
    await waiting;

    expect(early).toBe(false);
  });
});
