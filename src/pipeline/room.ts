/** Where several wait for a condition that others bring about: `open` wakes them all, and each looks again for itself. */
export class Room {
  #waiting = new Set<() => void>();

  open(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const wake of waiting) wake();
  }

  /** Resolves once `ready` holds, and also when the signal aborts: the caller looks. */
  async wait(signal: AbortSignal, ready: () => boolean): Promise<void> {
    while (!ready() && !signal.aborted) {
      await new Promise<void>((resolve) => {
        const wake = () => {
          signal.removeEventListener('abort', wake);
          this.#waiting.delete(wake);
          resolve();
        };
        this.#waiting.add(wake);
        signal.addEventListener('abort', wake, { once: true });
      });
    }
  }
}
