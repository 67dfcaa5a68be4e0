/** One listener per signal, however many wait under it: Node warns of the eleventh, and a listener appends under one signal all its life. */
export class AbortWatch<T> {
  readonly #waiting = new Map<AbortSignal, { readonly items: Set<T>; readonly stop: () => void }>();
  readonly #onAbort: (item: T, reason: unknown) => void;

  constructor(onAbort: (item: T, reason: unknown) => void) {
    this.#onAbort = onAbort;
  }

  /** The signal is not aborted yet. */
  add(signal: AbortSignal, item: T): void {
    const known = this.#waiting.get(signal);
    if (known !== undefined) {
      known.items.add(item);
      return;
    }
    const items = new Set([item]);
    const onAbort = () => {
      this.#waiting.delete(signal);
      for (const one of items) this.#onAbort(one, signal.reason);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    this.#waiting.set(signal, { items, stop: () => signal.removeEventListener('abort', onAbort) });
  }

  delete(signal: AbortSignal, item: T): void {
    const known = this.#waiting.get(signal);
    known?.items.delete(item);
    if (known?.items.size !== 0) return;
    known.stop();
    this.#waiting.delete(signal);
  }
}
