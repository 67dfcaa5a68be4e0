import { type DeliveryState, deliveryStates, type QueueStats } from './records.ts';

/** The sums over the file, changed in the same transaction as what they sum. */
export interface Sums extends Omit<QueueStats, 'oldestAt' | 'states'> {
  readonly states: Record<DeliveryState, number>;
  /** The number of the next mail, digest or failure. */
  readonly next: number;
  /** The queue's own time when this was written: it never goes back behind it. */
  readonly reachedAt: number;
}

type Counter =
  | 'deliveries'
  | 'bytes'
  | 'digestLines'
  | 'accepted'
  | 'delivered'
  | 'failed'
  | 'superseded'
  | 'dropped'
  | 'uncertain';

export class Ledger {
  #sums: { -readonly [K in keyof Sums]: Sums[K] };

  constructor(text: string | undefined) {
    this.#sums =
      text === undefined
        ? {
            deliveries: 0,
            bytes: 0,
            states: Object.fromEntries(deliveryStates.map((state) => [state, 0])) as Record<DeliveryState, number>,
            digestLines: 0,
            accepted: 0,
            delivered: 0,
            failed: 0,
            superseded: 0,
            dropped: 0,
            uncertain: 0,
            next: 1,
            reachedAt: 0,
          }
        : (JSON.parse(text) as Sums);
  }

  get sums(): Sums {
    return this.#sums;
  }

  number(): number {
    return this.#sums.next++;
  }

  add(what: Counter, amount = 1): void {
    this.#sums[what] += amount;
  }

  move(from: DeliveryState | null, to: DeliveryState | null): void {
    if (from !== null) this.#sums.states[from] -= 1;
    if (to !== null) this.#sums.states[to] += 1;
    if (from === null) this.#sums.deliveries += 1;
    if (to === null) this.#sums.deliveries -= 1;
  }

  reached(now: number): void {
    this.#sums.reachedAt = Math.max(this.#sums.reachedAt, now);
  }

  print(): string {
    return JSON.stringify(this.#sums);
  }
}
