import { Fault } from '../../model/faults.ts';
import { brokerFault } from './broker-fault.ts';
import type { Connection } from './connection.ts';
import { bind, declare, probe } from './partition-queue.ts';
import { type RecordQueueOptions, RecordSession } from './record-session.ts';

const notYetMs = 200;

/**
 * A queue that holds one record and hands it to one process at a time: the single active consumer has it, and the lock with it.
 *
 *     consume → publish a mark → it comes back: we are the active one
 *     → publish another → it comes back: we hold all that the last one left (its record may stand behind our first mark)
 *     → (update) publish the new record → it comes back → settle all the others → close the channel
 *
 * Whoever dies leaves the old record, or both, and then the higher version counts. The lock cannot be lost unnoticed: it, the publishing
 * and the settling share one channel. What a dying writer had on the wire may still arrive behind the next one's record with the same
 * version; so of equal versions the first counts, and a writer who sees another's before its own writes once more, above it.
 */
export class RecordQueue<T> {
  readonly #options: RecordQueueOptions;
  readonly #parse: (value: unknown) => T;

  /** `parse` throws on what is no `T`. */
  constructor(options: RecordQueueOptions, parse: (value: unknown) => T) {
    this.#options = options;
    this.#parse = parse;
  }

  /** Null: nothing was ever written. Throws a fatal Fault when a record's signature is wrong. */
  async read(): Promise<T | null> {
    const current = await this.#withQueue('if it is there', async (session) => session.newest());
    if (current === null) return null;
    // Signed by a key that is going out of use: written once more, before nobody accepts it any longer.
    if (current.kid !== this.#options.keys.sign('').kid) return this.update((value) => value as T);
    return this.#parse(current.value);
  }

  /** Runs alone. What `change` throws is thrown on, and nothing was written then. */
  async update(change: (current: T | null) => T | Promise<T>): Promise<T> {
    const outcome = await this.#withQueue('made when missing', async (session) => {
      const current = session.newest();
      let next: T;
      try {
        next = await change(current === null ? null : this.#parse(current.value));
      } catch (error) {
        return { kind: 'refused', error } as const;
      }
      await this.#options.step?.('changed');
      await session.replace(next, (current?.version ?? 0) + 1);
      return { kind: 'written', next } as const;
    });
    if (outcome?.kind === 'written') return outcome.next;
    throw outcome?.error;
  }

  async #withQueue<R>(
    missing: 'if it is there' | 'made when missing',
    act: (session: RecordSession) => Promise<R>,
  ): Promise<R | null> {
    const { queue, clock, connect, timeoutMs = 30_000 } = this.#options;
    const connection = await connect();
    const over = new AbortController();
    const late = clock.sleep(timeoutMs, over.signal).then(
      () => connection.destroy(new Fault('retryable', 'amqp_record_busy', `${queue} could not be had within ${timeoutMs} ms`)),
      () => undefined,
    );
    try {
      const there = (await probe(connection, queue, clock)) !== null;
      if (!there && missing === 'if it is there') return null;
      if (missing === 'made when missing') await this.#make(connection, there);
      const session = await this.#begin(connection);
      const result = await act(session);
      await session.end();
      return result;
    } catch (thrown) {
      throw connection.lost.aborted ? connection.lost.reason : brokerFault(thrown, `working on ${queue}`);
    } finally {
      over.abort();
      await late;
      await connection.close();
    }
  }

  /** Somebody may be making the queue right now, and it takes nothing yet. */
  async #begin(connection: Connection): Promise<RecordSession> {
    for (;;) {
      const session = await RecordSession.begin(connection, this.#options);
      if (session !== null) return session;
      await this.#options.clock.sleep(notYetMs);
    }
  }

  async #make(connection: Connection, there: boolean): Promise<void> {
    const { exchange, queue, clock, settleMs } = this.#options;
    await declare(connection, exchange, queue, null);
    if (!there) await clock.sleep(settleMs);
    await bind(connection, exchange, queue);
  }
}
