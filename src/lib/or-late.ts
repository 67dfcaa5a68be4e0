import type { Clock } from './clock.ts';

/** The promise, or `late` once so much time has passed. The promise itself goes on; its late failure is nobody's any more. */
export async function orLate<T, L>(clock: Clock, ms: number, promise: Promise<T>, late: L): Promise<T | L> {
  const over = new AbortController();
  const timeUp = clock.sleep(ms, over.signal).then(
    () => late,
    () => late, // over before
  );
  try {
    return await Promise.race([promise, timeUp]);
  } finally {
    over.abort(new Error('over'));
  }
}

/** True when it came to an end in time, well or badly. */
export function endsWithin(clock: Clock, ms: number, promise: Promise<unknown>): Promise<boolean> {
  const ended = promise.then(
    () => true,
    () => true,
  );
  return orLate(clock, ms, ended, false);
}
