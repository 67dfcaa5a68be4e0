import type { Clock } from '../../lib/clock.ts';
import { LmdbEnvironment, type Table } from '../../lib/lmdb-environment.ts';
import { requireWholeFile } from '../../lib/lmdb-whole-file.ts';
import { Ledger } from './ledger.ts';

export interface MailFileOptions {
  readonly directory: string;
  readonly clock: Clock;
  /** Tests end the process, or fill the disk, before the nth transaction. */
  readonly beforeTransaction?: () => Promise<void> | void;
}

/**
 * The queue's file: one LMDB environment, shared by all processes on the data directory. What a transaction of it resolved for is on
 * disk. Keys are in the order of time or of acceptance, so that nothing of the queue has to be kept in memory.
 */
export class MailFile {
  readonly #env: LmdbEnvironment;
  /** mail → MailRecord, its bytes as they go out, and `[mail, recipient]` → DeliveryRecord */
  readonly mails: Table<string>;
  readonly bodies: Table<Uint8Array>;
  readonly deliveries: Table<string>;
  /** `[at, mail, recipient]`: what may be sent from then on; `at` −1: it is being sent. */
  readonly due: Table<string>;
  /** `[at, mail, recipient]`: what is given up then. */
  readonly expiry: Table<string>;
  /** `[incident, recipient, number, recipient's number]` → `mail` or the digest that holds it: what goes first. */
  readonly order: Table<string>;
  /** Idempotency keys, and `[at, table, key]` when they and threads are forgotten. */
  readonly keys: Table<string>;
  readonly forget: Table<string>;
  /** incident → Message-ID of its down. */
  readonly threads: Table<string>;
  /** `[recipient, why, route]` → DigestRecord, and `[digest, number]` → line. */
  readonly digests: Table<string>;
  readonly lines: Table<string>;
  /** recipient → tokens. */
  readonly buckets: Table<string>;
  /** number → what is to be told to the pipelines. */
  readonly failures: Table<string>;
  /** number → GoneRecord, the last thousand. */
  readonly gone: Table<string>;
  readonly meta: Table<string>;

  private constructor(env: LmdbEnvironment) {
    this.#env = env;
    const text = (name: string) => env.textTable(name);
    this.mails = text('mails');
    this.bodies = env.bytesTable('bodies');
    this.deliveries = text('deliveries');
    this.due = text('due');
    this.expiry = text('expiry');
    this.order = text('order');
    this.keys = text('keys');
    this.forget = text('forget');
    this.threads = text('threads');
    this.digests = text('digests');
    this.lines = text('lines');
    this.buckets = text('buckets');
    this.failures = text('failures');
    this.gone = text('gone');
    this.meta = text('meta');
  }

  /** Throws `CutShort` for a file that lost its end. */
  static async open(options: MailFileOptions): Promise<MailFile> {
    await requireWholeFile(options.directory);
    return new MailFile(await LmdbEnvironment.open(options));
  }

  /** All or nothing, on disk when it resolves. The sums are read before and written after. */
  transact<T>(action: (ledger: Ledger) => T): Promise<T> {
    return this.#env.transact(() => {
      const ledger = this.ledger();
      const result = action(ledger);
      this.meta.put('sums', ledger.print());
      return result;
    });
  }

  ledger(): Ledger {
    return new Ledger(this.meta.get('sums'));
  }

  refresh(): void {
    this.#env.refresh();
  }

  close(): Promise<void> {
    return this.#env.close();
  }
}
