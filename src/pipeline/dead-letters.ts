import type { Clock } from '../lib/clock.ts';
import { LmdbEnvironment, type Table } from '../lib/lmdb-environment.ts';
import { type Letter, type StoredLetter, toStored } from './letter.ts';
import { whyNotAgain } from './letter-again.ts';
import { type LetterFilter, matchesLetter } from './letter-filter.ts';

export type { Letter, StoredLetter } from './letter.ts';

/** A letter that somebody wants tried again. Stands on disk until it is through, so a retry goes on where it was broken off. */
export interface RetryRequest {
  /** Unique in this log: what is made of the letter is told apart from any earlier try. */
  readonly number: number;
  /** How often the letter had been seen when it was asked for; more at the end says that it failed again. */
  readonly times: number;
}

/** Letters by id that were chosen, and how many of the others were left out, by reason. */
export interface Chosen {
  readonly ids: readonly string[];
  readonly leftOut: Readonly<Record<string, number>>;
}

export interface ChooseOptions {
  /** At most so many, the oldest first. */
  readonly limit?: number;
  /** Also those that were tried again `mostRetries` times. */
  readonly force?: boolean;
}

/** A letter that fails so often will fail again: it wants a person's look first. */
const mostRetries = 3;
/** Of so many letters that were tried again and left, it is known how often they were, should they come back. */
const mostRemembered = 10_000;

export interface DeadLetterStats {
  readonly letters: number;
  readonly bytes: number;
  /** Removed at the bound since the log began. */
  readonly evicted: number;
  readonly byReason: Readonly<Record<string, number>>;
}

interface Stats {
  next: number;
  /** Requests for a retry that there ever were. */
  retries?: number;
  remembered?: number;
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
  /** Id → request, of letters that are to be tried again. */
  readonly #requests: Table<string>;
  /** Id → how often it was tried again, of letters that left that way: they may come back. */
  readonly #retried: Table<string>;

  private constructor(env: LmdbEnvironment, options: Required<DeadLetterOptions>) {
    this.#env = env;
    this.#options = options;
    this.#letters = env.textTable('letters');
    this.#ids = env.textTable('ids');
    this.#meta = env.textTable('meta');
    this.#requests = env.textTable('requests');
    this.#retried = env.textTable('retried');
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
      stats.bytes += this.#put(stats.next, this.#withPast(fresh, stats));
      stats.letters += 1;
      stats.next += 1;
      stats.byReason[fresh.reason] = (stats.byReason[fresh.reason] ?? 0) + 1;
      this.#evict(stats);
      this.#meta.put('stats', JSON.stringify(stats));
    });
    return fresh.id;
  }

  /** Newest first. */
  list(options: LetterFilter & { readonly limit?: number } = {}): StoredLetter[] {
    const found: StoredLetter[] = [];
    for (const letter of this.#matching(options, true)) {
      if (found.length >= (options.limit ?? 100)) break;
      found.push(letter);
    }
    return found;
  }

  /** Which of them can be tried again; those that wait for it already are among them. Changes nothing. */
  chooseForRetry(filter: LetterFilter, { limit = Number.POSITIVE_INFINITY, force = false }: ChooseOptions = {}): Chosen {
    const ids: string[] = [];
    const leftOut: Record<string, number> = {};
    for (const letter of this.#matching(filter, false)) {
      if (ids.length >= limit) break;
      const why = whyNotAgain(letter) ?? (!force && (letter.retries ?? 0) >= mostRetries ? 'retried_too_often' : null);
      if (why === null) ids.push(letter.id);
      else leftOut[why] = (leftOut[why] ?? 0) + 1;
    }
    return { ids, leftOut };
  }

  /** Which of them `remove` would take. */
  chooseForDrop(filter: LetterFilter, { limit = Number.POSITIVE_INFINITY }: ChooseOptions = {}): Chosen {
    const ids: string[] = [];
    for (const { id } of this.#matching(filter, false)) {
      if (ids.length >= limit) break;
      ids.push(id);
    }
    return { ids, leftOut: {} };
  }

  /** From now on the agent of this data directory tries them again, over its restarts. Resolves with how many are new. */
  async requestRetry(ids: readonly string[]): Promise<number> {
    return await this.#env.transact(() => {
      const stats = this.#stats();
      let fresh = 0;
      for (const id of ids) {
        const letter = this.#read(id);
        if (letter === undefined || this.#requests.get(id) !== undefined) continue;
        stats.retries = (stats.retries ?? 0) + 1;
        this.#requests.put(id, JSON.stringify({ number: stats.retries, times: letter.times } satisfies RetryRequest));
        fresh += 1;
      }
      this.#meta.put('stats', JSON.stringify(stats));
      return fresh;
    });
  }

  /** What is to be tried again, at most `limit` that are not in `except`. A letter that left meanwhile is not among them. */
  requested(limit: number, except: ReadonlySet<string> = new Set()): { letter: StoredLetter; request: RetryRequest }[] {
    this.#env.refresh();
    const found: { letter: StoredLetter; request: RetryRequest }[] = [];
    for (const { key, value } of this.#requests.getRange()) {
      if (found.length >= limit) break;
      const id = String(key);
      const letter = except.has(id) ? undefined : this.#read(id);
      if (letter !== undefined) found.push({ letter, request: JSON.parse(value) as RetryRequest });
    }
    return found;
  }

  /** How many still wait for their retry, of these or of all. */
  waitingForRetry(ids?: readonly string[]): number {
    this.#env.refresh();
    if (ids === undefined) return this.#requests.getKeysCount();
    return ids.filter((id) => this.#requests.get(id) !== undefined).length;
  }

  /**
   * The letter was given on. It leaves, unless it has been seen to fail once more since it was asked for, or `refused` says that it cannot be given
   * on here. Returns whether it left.
   */
  async finishRetry(id: string, refused = false): Promise<boolean> {
    return await this.#env.transact(() => {
      const text = this.#requests.get(id);
      const letter = this.#read(id);
      this.#requests.remove(id);
      if (letter === undefined || text === undefined) return false;
      const request = JSON.parse(text) as RetryRequest;
      const stats = this.#stats();
      const sequence = Number(this.#ids.get(id));
      const retries = (letter.retries ?? 0) + 1;
      const leaves = !refused && letter.times === request.times;
      if (leaves) {
        this.#take(sequence, stats);
        this.#remember(id, retries, stats);
      } else stats.bytes += this.#put(sequence, { ...letter, retries }) - JSON.stringify(letter).length;
      this.#meta.put('stats', JSON.stringify(stats));
      return leaves;
    });
  }

  get(id: string): StoredLetter | undefined {
    this.#env.refresh();
    return this.#read(id);
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

  #read(id: string): StoredLetter | undefined {
    const sequence = this.#ids.get(id);
    const text = sequence === undefined ? undefined : this.#letters.get(Number(sequence));
    return text === undefined ? undefined : (JSON.parse(text) as StoredLetter);
  }

  *#matching(filter: LetterFilter, newestFirst: boolean): Generator<StoredLetter> {
    this.#env.refresh();
    for (const { value } of this.#letters.getRange({ reverse: newestFirst })) {
      const letter = JSON.parse(value) as StoredLetter;
      if (matchesLetter(filter, letter)) yield letter;
    }
  }

  /** One that was tried again and has come back. */
  #withPast(fresh: StoredLetter, stats: Stats): StoredLetter {
    const retries = this.#retried.get(fresh.id);
    if (retries === undefined) return fresh;
    this.#retried.remove(fresh.id);
    stats.remembered = (stats.remembered ?? 1) - 1;
    return { ...fresh, retries: Number(retries) };
  }

  #remember(id: string, retries: number, stats: Stats): void {
    if (this.#retried.get(id) === undefined) stats.remembered = (stats.remembered ?? 0) + 1;
    this.#retried.put(id, String(retries));
    if ((stats.remembered ?? 0) <= mostRemembered) return;
    // Whichever: a letter that comes back unknown may be tried three times more.
    for (const some of this.#retried.getKeys({ limit: 1 })) this.#retried.remove(some);
    stats.remembered = mostRemembered;
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
    this.#requests.remove(letter.id);
    stats.letters -= 1;
    stats.bytes -= text.length;
    const left = (stats.byReason[letter.reason] ?? 1) - 1;
    if (left > 0) stats.byReason[letter.reason] = left;
    else delete stats.byReason[letter.reason];
  }
}
