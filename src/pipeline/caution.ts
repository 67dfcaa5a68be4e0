import type { Semaphore } from '../lib/semaphore.ts';

const batch = 64;
/** When so many owners began and never came to a commit, entries are read alone. */
const aloneAfterStarts = 2;
/** Who was applied alone so often, and never came to a commit, is what ends the process. With the two before that makes five. */
const deadAfterAlone = 3;
/** While an entry is suspected, so many are read alone: well above what a queue hands over in another order after a crash. */
const suspectWithin = 512;
const maxSuspects = 16;

/**
 * Finds the entry that ends the process of whoever applies it. Each owner notes that it begins, and a commit clears the note. Begun twice
 * for nothing, entries are applied one by one, and each is noted by name before: what stands before the killer, or comes before it
 * another time (a queue gives back in no certain order), is committed and forgotten, and the killer's count grows until it is a dead letter.
 *
 * A process runs many partitions, and its death leaves a note in each that had begun. So of those that are noted, one goes at a time:
 * whoever is not to blame comes to its commit, and only the count of the guilty grows.
 */
export class Caution {
  readonly #suspects: Map<string, number>;
  /** Those that we have counted ourselves. */
  readonly #counted = new Set<string>();
  readonly #turns: Semaphore;
  readonly #starts: number;
  #committed = false;
  #begun = false;
  /** How many more entries are applied alone. */
  #alone: number;

  /** `starts` and `suspects` as the store had them; `turns`: one permit, for all partitions of the process. */
  constructor(starts: number, suspects: string, turns: Semaphore) {
    this.#starts = starts;
    this.#turns = turns;
    this.#suspects = parseSuspects(suspects);
    this.#alone = this.#suspects.size > 0 ? suspectWithin : starts >= aloneAfterStarts ? batch : 0;
  }

  /** How many entries may be read at once. */
  get batchSize(): number {
    return this.#alone > 0 ? 1 : batch;
  }

  /** Waits until we may apply entries; gives what ends the turn, or null when the signal came first. */
  async turn(signal: AbortSignal): Promise<(() => void) | null> {
    if (this.#alone === 0 && (this.#starts === 0 || this.#committed)) return () => undefined;
    try {
      await this.#turns.acquireUpTo(1, signal);
      return () => this.#turns.release();
    } catch (error) {
      if (signal.aborted) return null;
      throw error;
    }
  }

  /** It was applied alone by owner after owner, and none came to a commit. */
  kills(entry: string): boolean {
    return (this.#suspects.get(entry) ?? 0) >= deadAfterAlone;
  }

  /** What the store is to note before these entries are applied, by name; null for nothing. */
  begin(entries: readonly string[]): string | null {
    if (this.#alone === 0 && this.#begun) return null;
    this.#begun = true;
    if (this.#alone === 0) this.#suspects.clear();
    else for (const entry of entries) this.#count(entry);
    return printSuspects(this.#suspects);
  }

  /** An owner that lives through it is none that it has killed: behind a gap the same one can come again and again, sent anew. */
  #count(entry: string): void {
    if (this.#counted.has(entry)) return;
    this.#counted.add(entry);
    this.#suspects.set(entry, (this.#suspects.get(entry) ?? 0) + 1);
  }

  /** `entries` are in a commit; so many were read with them. */
  committed(entries: readonly string[], read: number): void {
    this.#committed = true;
    for (const entry of entries) {
      this.#suspects.delete(entry);
      this.#counted.delete(entry);
    }
    if (this.#alone === 0) return;
    this.#alone = Math.max(0, this.#alone - read);
    if (this.#suspects.size === 0) this.#alone = Math.min(this.#alone, batch);
    // What the store has noted meanwhile is old: the first batch says so.
    if (this.#alone === 0) this.#begun = false;
  }
}

function parseSuspects(text: string): Map<string, number> {
  const pairs = text === '' ? [] : text.split(' ').map((one) => one.split('='));
  return new Map(pairs.map(([name = '', count]) => [name, Number(count)]));
}

function printSuspects(suspects: ReadonlyMap<string, number>): string {
  return [...suspects]
    .slice(-maxSuspects)
    .map(([name, count]) => `${name}=${count}`)
    .join(' ');
}
