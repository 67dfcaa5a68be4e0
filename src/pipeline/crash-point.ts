/**
 * Named places where a fault test makes the process die at once: `CEILOGRAPH_CRASH_AT=after-commit:3` dies the third time there.
 * Costs one comparison when unset.
 */
const [point, count = '1'] = (process.env['CEILOGRAPH_CRASH_AT'] ?? '').split(':');
let left = Number(count);

export type CrashPoint =
  | 'before-append'
  | 'after-append'
  | 'before-raw-ack'
  | 'after-raw-ack'
  | 'before-commit'
  | 'after-commit'
  | 'before-clear'
  | 'after-settle';

export function crashPoint(here: CrashPoint): void {
  if (point !== here) return;
  left -= 1;
  if (left <= 0) process.kill(process.pid, 'SIGKILL');
}
