/** Counted permits with a first-come queue. The bound behind every "at most n outstanding". */
export class Semaphore {
  readonly total: number;
  #free: number;
  #waiting: { readonly max: number; readonly grant: (count: number) => void }[] = [];
  #idle: (() => void)[] = [];

  constructor(total: number) {
    this.total = total;
    this.#free = total;
  }

  get free(): number {
    return this.#free;
  }

  get taken(): number {
    return this.total - this.#free;
  }

  /** Takes between 1 and `max` permits, waiting its turn while there is none. Rejects with the signal's reason, taking nothing. */
  acquireUpTo(max: number, signal?: AbortSignal): Promise<number> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (this.#waiting.length === 0 && this.#free > 0) return Promise.resolve(this.#take(max));
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        this.#waiting = this.#waiting.filter((other) => other !== waiter);
        reject(signal?.reason);
      };
      const waiter = {
        max,
        grant: (count: number) => {
          signal?.removeEventListener('abort', onAbort);
          resolve(count);
        },
      };
      this.#waiting.push(waiter);
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  release(count = 1): void {
    this.#free += count;
    while (this.#free > 0) {
      const next = this.#waiting.shift();
      if (next === undefined) break;
      next.grant(this.#take(next.max));
    }
    if (this.#free === this.total) for (const wake of this.#idle.splice(0)) wake();
  }

  /** Resolves once every permit is back. Rejects with the signal's reason. */
  idle(signal?: AbortSignal): Promise<void> {
    if (this.#free === this.total) return Promise.resolve();
    if (signal?.aborted) return Promise.reject(signal.reason);
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        this.#idle = this.#idle.filter((other) => other !== wake);
        reject(signal?.reason);
      };
      const wake = () => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      };
      this.#idle.push(wake);
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  #take(max: number): number {
    const count = Math.min(max, this.#free);
    this.#free -= count;
    return count;
  }
}
