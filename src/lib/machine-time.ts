import { readFileSync } from 'node:fs';

/**
 * The time that all processes of one machine share: milliseconds of CLOCK_MONOTONIC within one boot. Wall clocks step, so nothing
 * that decides who may write is ever measured by them.
 */
export interface MachineTime {
  /** Times of another boot cannot be compared with ours; whatever ends at one has ended. */
  readonly boot: string;
  now(): number;
}

export function machineTime(): MachineTime {
  return { boot: readBootId(), now: () => Number(process.hrtime.bigint() / 1000n) / 1000 };
}

// Without a boot id (not Linux) the ttl kept beside each deadline still ends what an earlier boot left behind: see `leftMs`.
function readBootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return 'unknown';
  }
}

/** A moment in machine time, as stored. */
export interface Deadline {
  readonly boot: string;
  readonly atMs: number;
  readonly ttlMs: number;
}

export function deadlineIn(time: MachineTime, ttlMs: number): Deadline {
  return { boot: time.boot, atMs: time.now() + ttlMs, ttlMs };
}

/** 0 when it is over, was made in another boot, or lies further ahead than it was ever set. */
export function leftMs(time: MachineTime, deadline: Deadline): number {
  if (deadline.boot !== time.boot) return 0;
  const left = deadline.atMs - time.now();
  return left > deadline.ttlMs ? 0 : Math.max(0, left);
}
