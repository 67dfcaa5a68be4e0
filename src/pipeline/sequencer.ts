import type { DataEntry, Part } from '../model/entry.ts';

/**
 * Numbers the entries of one listener boot, gapless per partition from 1, and remembers which of them are proven: all raw messages
 * in them acknowledged, and the source seen to know it.
 */
export interface Numbered {
  readonly listener: string;
  readonly last: ReadonlyMap<string, number>;
}

export class Sequencer {
  readonly #name: string;
  #boots = 0;
  #listener: string;
  readonly #last = new Map<string, number>();
  readonly #proven = new Map<string, number>();

  constructor(name: string) {
    this.#name = name;
    this.#listener = name;
  }

  /** From here on another boot, numbered from 1: what came before can never be proven any more. */
  renew(): void {
    this.#boots += 1;
    this.#listener = `${this.#name}.${this.#boots}`;
    this.#last.clear();
    this.#proven.clear();
  }

  next(partition: string, at: number, notifications: readonly Part[], canaries: DataEntry['canaries']): DataEntry {
    const seq = (this.#last.get(partition) ?? 0) + 1;
    this.#last.set(partition, seq);
    return { kind: 'data', listener: this.#listener, seq, at, proven: this.#proven.get(partition) ?? 0, notifications, canaries };
  }

  /** Take this once everything numbered so far is settled; hand it to `proved` once the source has proved it. */
  snapshot(): Numbered {
    return { listener: this.#listener, last: new Map(this.#last) };
  }

  /** What an earlier boot numbered is never proven: `renew` came in between. */
  proved({ listener, last }: Numbered): void {
    if (listener !== this.#listener) return;
    for (const [partition, seq] of last) this.#proven.set(partition, seq);
  }
}
