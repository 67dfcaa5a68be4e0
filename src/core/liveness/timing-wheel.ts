/**
 * Deadlines in slots of one second. Arming costs one insertion, and nobody moves a deadline when a report comes: whoever is due looks
 * whether it really is, and is armed again for what is left. A million services of a hundred thousand hosts are that many entries per
 * interval, not per report.
 *
 * Driven by partition time, which moves two seconds at most, so the slots in between are few.
 */
const slotMs = 1_000;

export class TimingWheel {
  readonly #slots = new Map<number, string[]>();
  readonly #armed = new Map<string, number>();
  #next: number;

  constructor(nowMs: number) {
    this.#next = Math.floor(nowMs / slotMs);
  }

  get size(): number {
    return this.#armed.size;
  }

  /** An earlier deadline of the same key stays: it is looked at then. */
  arm(key: string, at: number): void {
    const slot = Math.max(this.#next, Math.floor(at / slotMs));
    const before = this.#armed.get(key);
    if (before !== undefined && before <= slot) return;
    this.#armed.set(key, slot);
    const keys = this.#slots.get(slot);
    if (keys === undefined) this.#slots.set(slot, [key]);
    else keys.push(key);
  }

  disarm(key: string): void {
    this.#armed.delete(key);
  }

  /** Everybody whose slot has begun; they are no longer armed. In the order of their names, so that nothing else shows in the output. */
  takeDue(nowMs: number): string[] {
    const due: string[] = [];
    for (const last = Math.floor(nowMs / slotMs); this.#next <= last; this.#next++) {
      const keys = this.#slots.get(this.#next);
      if (keys === undefined) continue;
      this.#slots.delete(this.#next);
      for (const key of keys) {
        if (this.#armed.get(key) !== this.#next) continue; // armed for earlier meanwhile, or disarmed
        this.#armed.delete(key);
        due.push(key);
      }
    }
    return due.sort();
  }
}
