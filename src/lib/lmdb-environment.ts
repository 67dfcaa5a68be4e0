import { chmod, mkdir, stat } from 'node:fs/promises';
import { constants } from 'node:os';
import { type Database, type Key, open, type RootDatabase } from 'lmdb';
import type { Clock } from './clock.ts';
import { requireLocalDisk } from './local-disk.ts';

export type Table<V> = Database<V, Key>;

export interface LmdbOptions {
  readonly directory: string;
  readonly clock: Clock;
  /** Tests make disks slow or full here: awaited before each transaction, what it throws fails the transaction. */
  readonly beforeTransaction?: () => Promise<void> | void;
}

const staleReaderCheckMs = 30_000;
// Address space, not disk: a file that is mapped once needs no remapping while other processes write it.
const mapBytes = 256 * 2 ** 30;

/** An opened file, and by how many of this process. */
interface Shared {
  readonly root: RootDatabase<string, Key>;
  readonly name: string;
  holders: number;
  /** The last of them has left. */
  closing: Promise<void> | null;
}

/** By device and inode: a folder may have several names, and another one may have its name later. */
const opened = new Map<string, Shared>();

/**
 * One LMDB file, opened by any number of processes of this machine at once. The only place that imports `lmdb`.
 *
 * - Whoever opens it a second time in one process shares what is open: with two of the package's environments the event loop, which opens
 *   or closes one, and the writer's thread of the other were seen to wait for each other for ever.
 * - Only asynchronous transactions: a synchronous one would stop this event loop while another process holds the lock.
 * - A transaction is visible to others only once it is on disk. The package's default (`overlappingSync`) shows it earlier; then a
 *   reader could act on what a power cut takes back. Measured here: no slower, since waiting transactions share the next flush.
 * - Each transaction is a child one, so that an action that throws halfway leaves nothing behind.
 * - The lock of a killed process is taken over by the next writer; that of a stopped one (SIGSTOP) is not: kill it.
 */
export class LmdbEnvironment {
  readonly #shared: Shared;
  readonly #root: RootDatabase<string, Key>;
  readonly #before: (() => Promise<void> | void) | undefined;
  readonly #closing = new AbortController();
  readonly #watch: Promise<void>;

  private constructor(shared: Shared, options: LmdbOptions) {
    this.#shared = shared;
    this.#root = shared.root;
    this.#before = options.beforeTransaction;
    this.#watch = this.#clearStaleReaders(options.clock);
  }

  /** Creates the directory for its owner alone. Throws `NotLocalDisk` on a network filesystem. */
  static async open(options: LmdbOptions): Promise<LmdbEnvironment> {
    await mkdir(options.directory, { recursive: true, mode: 0o700 });
    await chmod(options.directory, 0o700);
    await requireLocalDisk(options.directory);
    return new LmdbEnvironment(await hold(options.directory), options);
  }

  textTable(name: string): Table<string> {
    return this.#root.openDB<string, Key>({ name, encoding: 'string' });
  }

  bytesTable(name: string): Table<Uint8Array> {
    return this.#root.openDB<Uint8Array, Key>({ name, encoding: 'binary' });
  }

  /** All of the action or nothing; resolves when it is on disk. The action must be synchronous and short: it holds the lock. */
  async transact<T>(action: () => T): Promise<T> {
    if (this.#closing.signal.aborted) throw new Error('the LMDB environment is closed');
    if (this.#before !== undefined) await this.#before();
    try {
      return await this.#root.childTransaction(action);
    } catch (error) {
      throw await reasonOf(error);
    }
  }

  /** Reads after this see every transaction committed until now, by any process. */
  refresh(): void {
    this.#root.resetReadTxn();
  }

  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    await this.#watch;
    this.#shared.holders -= 1;
    if (this.#shared.holders > 0) return;
    this.#shared.closing = this.#root.close().finally(() => opened.delete(this.#shared.name));
    await this.#shared.closing;
  }

  // The slot of a reader that was killed keeps old pages from being used again: the file would grow for ever.
  async #clearStaleReaders(clock: Clock): Promise<void> {
    for (;;) {
      try {
        await clock.sleep(staleReaderCheckMs, this.#closing.signal);
      } catch (error) {
        if (this.#closing.signal.aborted) return;
        throw error;
      }
      this.#root.readerCheck();
    }
  }
}

/** For whoever gives it back by one holder less. */
async function hold(directory: string): Promise<Shared> {
  const { dev, ino } = await stat(directory);
  const name = `${dev}:${ino}`;
  for (let known = opened.get(name); known !== undefined; known = opened.get(name)) {
    if (known.closing === null) {
      known.holders += 1;
      return known;
    }
    await known.closing;
  }
  const root = open<string, Key>(directory, {
    noSubdir: false,
    encoding: 'string',
    overlappingSync: false,
    // With it the package makes a promise for each batch that it gives to nobody: a commit that fails, on a full disk, then ends the process as
    // an unhandled rejection. Transactions of one turn share a commit without it as well.
    eventTurnBatching: false,
    mapSize: mapBytes,
    maxDbs: 16,
    maxReaders: 512,
  });
  const shared: Shared = { root, name, holders: 1, closing: null };
  opened.set(name, shared);
  return shared;
}

// A failed commit hides its reason in a promise, which must be awaited or it ends the process as an unhandled rejection. The package
// gives errno as a number; by its name everybody else knows it.
async function reasonOf(error: unknown): Promise<unknown> {
  const hidden = (error as { commitError?: PromiseLike<unknown> } | null)?.commitError;
  const reason = hidden === undefined ? error : await Promise.resolve(hidden).catch((hiddenReason: unknown) => hiddenReason);
  if (!(reason instanceof Error) || typeof (reason as { code?: unknown }).code !== 'number') return reason;
  const name = errnoNames.get((reason as Error & { code: number }).code);
  // LMDB's word for a write of which the disk took a part, as one does that gets full. Nothing of the transaction stands.
  if (name === 'EIO') return Object.assign(new Error('the disk is full, or broken', { cause: reason }), { code: 'ENOSPC' });
  return name === undefined ? reason : Object.assign(new Error(reason.message, { cause: reason }), { code: name });
}

const errnoNames = new Map(Object.entries(constants.errno).map(([name, code]) => [code, name]));
