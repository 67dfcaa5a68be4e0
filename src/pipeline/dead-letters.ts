import type { Clock } from '../lib/clock.ts';
import { LmdbEnvironment, type Table } from '../lib/lmdb-environment.ts';
import { type Letter, type StoredLetter, toStored } from './letter.ts';

export type { Letter, StoredLetter } from './letter.ts';

export interface DeadLetterStats {
  readonly letters: number;
  readonly bytes: number;
  /** Removed at the bound since the log began. */
  readonly evicted: number;
  readonly byReason: Readonly<Record<string, number>>;
}

interface Stats {
  next: number;
  letters: number;
  bytes: number;
  evicted: number;
  byReason: Record<string, number>;
}

export interface DeadLetterOptions {
  readonly directory: string;
  readonly clock: Clock;
  readonly maxLetters?: number;
  readonly maxBytes?: number;
  readonly maxBodyBytes?: number;
}

/**
 * The log of dead letters, in the data directory, shared by all agent processes on it. A letter is on disk before `record` resolves,
 * so what it stands for may be acknowledged then.
 *
 * Bounded: beyond `maxLetters` (100,000) or `maxBytes` (256 MiB) the oldest go and are counted as evicted, since whoever looks
 * asks first what goes wrong now. A body beyond `maxBodyBytes` (1 MiB) is kept in part and says so.
 */
export class DeadLetters {
  readonly #env: LmdbEnvironment;
  readonly #options: Required<DeadLetterOptions>;
  /** Sequence → letter; the order of arrival. */
  readonly #letters: Table<string>;
  /** Id → sequence. */
  readonly #ids: Table<string>;
  readonly #meta: Table<string>;

  private constructor(env: LmdbEnvironment, options: Required<DeadLetterOptions>) {
    this.#env = env;
    this.#options = options;
    this.#letters = env.textTable('letters');
    this.#ids = env.textTable('ids');
    this.#meta = env.textTable('meta');
  }

  static async open(options: DeadLetterOptions): Promise<DeadLetters> {
    const env = await LmdbEnvironment.open({ directory: options.directory, clock: options.clock });
    const bounds = { maxLetters: 100_000, maxBytes: 256 * 1024 * 1024, maxBodyBytes: 1024 * 1024 };
    return new DeadLetters(env, { ...bounds, ...options });
  }

  /** Resolves with the letter's id once it is on disk. */
  async record(letter: Letter): Promise<string> {
    const now = this.#options.clock.now();
    const fresh = toStored(letter, now, this.#options.maxBodyBytes);
    await this.#env.transact(() => {
      const stats = this.#stats();
      const known = this.#ids.get(fresh.id);
      if (known !== undefined) {
        const text = this.#letters.get(Number(known)) as string;
        const old = JSON.parse(text) as StoredLetter;
        stats.bytes += this.#put(Number(known), { ...old, lastSeen: now, times: old.times + 1 }) - text.length;
        this.#meta.put('stats', JSON.stringify(stats));
        return;
      }
      this.#ids.put(fresh.id, String(stats.next));
      stats.bytes += this.#put(stats.next, fresh);
      stats.letters += 1;
      stats.next += 1;
      stats.byReason[fresh.reason] = (stats.byReason[fresh.reason] ?? 0) + 1;
      this.#evict(stats);
      this.#meta.put('stats', JSON.stringify(stats));
    });
    return fresh.id;
  }

  /** Newest first. */
  list(options: { readonly limit?: number; readonly reason?: string; readonly sink?: string } = {}): StoredLetter[] {
    this.#env.refresh();
    const found: StoredLetter[] = [];
    for (const { value } of this.#letters.getRange({ reverse: true })) {
      if (found.length >= (options.limit ?? 100)) break;
      const letter = JSON.parse(value) as StoredLetter;
      if (options.reason !== undefined && letter.reason !== options.reason) continue;
      if (options.sink !== undefined && letter.sink !== options.sink) continue;
      found.push(letter);
    }
    return found;
  }

  get(id: string): StoredLetter | undefined {
    this.#env.refresh();
    const sequence = this.#ids.get(id);
    const text = sequence === undefined ? undefined : this.#letters.get(Number(sequence));
    return text === undefined ? undefined : (JSON.parse(text) as StoredLetter);
  }

  /** After a retry or on an operator's word. Returns how many were there. */
  async remove(ids: readonly string[]): Promise<number> {
    return await this.#env.transact(() => {
      const stats = this.#stats();
      let removed = 0;
      for (const id of ids) {
        const sequence = this.#ids.get(id);
        if (sequence !== undefined) {
          this.#take(Number(sequence), stats);
          removed += 1;
        }
      }
      this.#meta.put('stats', JSON.stringify(stats));
      return removed;
    });
  }

  stats(): DeadLetterStats {
    this.#env.refresh();
    const { letters, bytes, evicted, byReason } = this.#stats();
    return { letters, bytes, evicted, byReason };
  }

  async close(): Promise<void> {
    await this.#env.close();
  }

  #stats(): Stats {
    const text = this.#meta.get('stats');
    return text === undefined ? { next: 1, letters: 0, bytes: 0, evicted: 0, byReason: {} } : JSON.parse(text);
  }

  #put(sequence: number, letter: StoredLetter): number {
    const text = JSON.stringify(letter);
    this.#letters.put(sequence, text);
    return text.length;
  }

  #evict(stats: Stats): void {
    while (stats.letters > 1 && (stats.letters > this.#options.maxLetters || stats.bytes > this.#options.maxBytes)) {
      for (const oldest of this.#letters.getKeys({ limit: 1 })) this.#take(Number(oldest), stats);
      stats.evicted += 1;
    }
  }

  #take(sequence: number, stats: Stats): void {
    const text = this.#letters.get(sequence);
    if (text === undefined) return;
    const letter = JSON.parse(text) as StoredLetter;
    this.#letters.remove(sequence);
    this.#ids.remove(letter.id);
    stats.letters -= 1;
    stats.bytes -= text.length;
    const left = (stats.byReason[letter.reason] ?? 1) - 1;
    if (left > 0) stats.byReason[letter.reason] = left;
    else delete stats.byReason[letter.reason];
  }
}
