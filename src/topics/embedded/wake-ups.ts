import type { Clock } from '../../lib/clock.ts';
import type { PartitionLog } from './partition-log.ts';

const pollMs = 20;

interface Waiter {
  readonly name: string;
  readonly seen: number;
  readonly wake: () => void;
}

/**
 * Wakes waiting readers. Appends of this process wake them at once; those of other processes are noticed by one poller that reads
 * one counter every 20 ms, and only while somebody waits.
 */
export class WakeUps {
  readonly #log: PartitionLog;
  readonly #clock: Clock;
  readonly #closing = new AbortController();
  readonly #waiters = new Set<Waiter>();
  #poller: Promise<void> | null = null;

  constructor(log: PartitionLog, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  get closed(): boolean {
    return this.#closing.signal.aborted;
  }

  /** Readers of these partitions look again. */
  wake(names: Iterable<string>): void {
    const woken = new Set(names);
    for (const waiter of [...this.#waiters]) if (woken.has(waiter.name)) waiter.wake();
  }

  /**
   * Until something may have been appended since the count was `seen`, somebody calls `wake`, the time is up or the signal aborts.
   * Never rejects: the caller looks again anyway.
   */
  async wait(name: string, seen: number, ms: number, signal: AbortSignal): Promise<void> {
    const over = new AbortController();
    const wake = () => over.abort();
    const waiter: Waiter = { name, seen, wake };
    this.#waiters.add(waiter);
    // Not AbortSignal.any: a reader waits thousands of times under one signal, which would keep each of its parts.
    signal.addEventListener('abort', wake, { once: true });
    this.#poller ??= this.#poll().finally(() => {
      this.#poller = null;
    });
    try {
      await sleepQuietly(this.#clock, ms, over.signal);
    } finally {
      signal.removeEventListener('abort', wake);
      this.#waiters.delete(waiter);
    }
  }

  async close(): Promise<void> {
    this.#closing.abort();
    for (const waiter of [...this.#waiters]) waiter.wake();
    await this.#poller;
  }

  async #poll(): Promise<void> {
    while (this.#waiters.size > 0) {
      await sleepQuietly(this.#clock, pollMs, this.#closing.signal);
      if (this.#closing.signal.aborted) return;
      this.#log.refresh();
      const count = this.#log.appendCount();
      for (const waiter of [...this.#waiters]) if (waiter.seen !== count) waiter.wake();
    }
  }
}

/** A sleep whose end by a signal is an ordinary end. */
async function sleepQuietly(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  try {
    await clock.sleep(ms, signal);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
