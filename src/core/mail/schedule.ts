/** When a mail is tried again, and until when. All times in ms of the queue's own time. */
export interface Schedule {
  readonly firstMs: number;
  readonly longestMs: number;
  /** A greylisting server takes nothing before its own time is over; sooner is in vain. */
  readonly greylistMs: number;
}

export const defaultSchedule: Schedule = { firstMs: 30_000, longestMs: 3_600_000, greylistMs: 300_000 };

/**
 * | attempts so far | delay, ±20 % |
 * |-----------------|--------------|
 * | 1, 2, 3, 4      | 30 s, 1, 2, 4 min |
 * | 8 and more      | 1 h          |
 *
 * `random` is in 0 … 1. A mail refused by every server for its sender waits the longest: time alone will not heal it.
 */
export function retryDelayMs(
  attempts: number,
  random: number,
  why: 'plain' | 'greylisted' | 'refused',
  schedule: Schedule = defaultSchedule,
): number {
  const doubled = Math.min(schedule.firstMs * 2 ** Math.min(Math.max(attempts, 1) - 1, 30), schedule.longestMs);
  const base = why === 'refused' ? schedule.longestMs : doubled;
  const jittered = Math.round(base * (0.8 + 0.4 * random));
  return why === 'greylisted' ? Math.max(jittered, schedule.greylistMs) : jittered;
}
