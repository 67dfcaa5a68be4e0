import { randomUUID } from 'node:crypto';
import type { ConfirmChannel, ConsumeMessage, Message } from 'amqplib';
import type { Clock } from '../../lib/clock.ts';
import type { KeyRing } from '../../lib/key-ring.ts';
import { Fault } from '../../model/faults.ts';
import { brokerFault } from './broker-fault.ts';
import type { Connection } from './connection.ts';
import { bind, declare, leave, probe } from './partition-queue.ts';
import { madeAt, sealed, whyUnsealed } from './seal.ts';

/** What stands in the queue: one record, or more of them when somebody died while replacing one; and marks of who is reading. */
interface Found {
  readonly tag: number;
  readonly version: number;
  readonly nonce: string;
  readonly kid: string;
  readonly value: unknown;
}

export interface RecordQueueOptions {
  readonly exchange: string;
  readonly queue: string;
  readonly keys: KeyRing;
  readonly clock: Clock;
  /** One connection per call: who dies or hangs in it is cut off with it, and leaves the queue to the next. */
  readonly connect: () => Promise<Connection>;
  readonly timeoutMs?: number;
  /** So long a new queue is left alone: see `createPartitions`. */
  readonly settleMs: number;
  /** For tests: awaited between the steps. */
  readonly step?: (at: 'locked' | 'changed' | 'published' | 'settled') => Promise<void>;
}

const mark = 'mark';
const record = 'record';
/** Longer than anybody waits for the queue: who wrote it is gone. */
const staleMs = 600_000;
const prefetch = 1_000;
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

  async #withQueue<R>(missing: 'if it is there' | 'made when missing', act: (session: Session) => Promise<R>): Promise<R | null> {
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
  async #begin(connection: Connection): Promise<Session> {
    for (;;) {
      const session = await Session.begin(connection, this.#options);
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

/** The time in which we have the queue for us. */
class Session {
  readonly #channel: ConfirmChannel;
  readonly #options: RecordQueueOptions;
  readonly #ended: Promise<never>;
  readonly #nonce = randomUUID();
  readonly #found: Found[] = [];
  /** Marks to settle: ours, and those of readers who died long ago. */
  readonly #marks: number[] = [];
  #ownMarks = 0;
  #returned = false;
  #refused: string | null = null;
  #wake: () => void = () => {};

  private constructor(channel: ConfirmChannel, connection: Connection, options: RecordQueueOptions) {
    this.#channel = channel;
    this.#options = options;
    this.#ended = new Promise((_, reject) => {
      const fail = (why: string) => reject(new Fault('retryable', 'amqp_disconnected', `${options.queue}: ${why}`));
      channel.on('error', (error) => fail(error.message));
      channel.on('close', () => fail('the channel was closed'));
      channel.on('return', () => {
        this.#returned = true;
        fail('nothing takes what is published for it');
      });
      connection.lost.addEventListener('abort', () => reject(connection.lost.reason), { once: true });
    });
    // It ends in any case, and nobody may be waiting for it then.
    this.#ended.catch(() => undefined);
  }

  /** Null when the queue takes nothing. */
  static async begin(connection: Connection, options: RecordQueueOptions): Promise<Session | null> {
    const session = new Session(await connection.confirmChannel(), connection, options);
    try {
      await session.#lock();
    } catch (thrown) {
      if (!session.#returned) throw thrown;
      leave(session.#channel);
      return null;
    }
    await options.step?.('locked');
    return session;
  }

  newest(): Found | null {
    if (this.#refused !== null)
      throw new Fault(
        'fatal',
        'bad_signature',
        `the queue ${this.#options.queue} holds a record that none of us wrote: ${this.#refused}. ` +
          'Remedy: see that all agents have the same keys; a record that is forged must be taken out of the queue by hand.',
      );
    return newestOf(this.#found);
  }

  async replace(value: unknown, version: number): Promise<void> {
    let own = await this.#write(value, version);
    for (let newest = this.newest(); newest !== null && newest.nonce !== own.nonce; newest = this.newest())
      own = await this.#write(value, newest.version + 1);
    await this.#options.step?.('published');
    for (const other of this.#found) if (other !== own) this.#ack(other.tag);
  }

  /** The broker has seen our acknowledgements when this resolves; everything else is the next one's. */
  async end(): Promise<void> {
    for (const tag of this.#marks) this.#ack(tag);
    // Not the close alone: amqplib never answers one whose connection is lost before the broker's answer.
    await Promise.race([this.#channel.close(), this.#ended]);
    await this.#options.step?.('settled');
  }

  async #lock(): Promise<void> {
    await this.#channel.prefetch(prefetch);
    await this.#channel.consume(this.#options.queue, (message) => this.#arrived(message));
    for (const count of [1, 2]) {
      await this.#publish(mark, this.#nonce);
      await this.#until(() => this.#ownMarks >= count);
    }
  }

  async #write(value: unknown, version: number): Promise<Found> {
    const nonce = randomUUID();
    await this.#publish(record, JSON.stringify({ v: 1, version, nonce, record: value }));
    const find = () => this.#found.find((one) => one.nonce === nonce);
    await this.#until(() => find() !== undefined);
    return find() as Found;
  }

  async #publish(type: string, text: string): Promise<void> {
    const { exchange, queue, keys, clock } = this.#options;
    const bytes = Buffer.from(text);
    const confirmed = new Promise<void>((resolve, reject) => {
      const options = { mandatory: true, persistent: true, type, headers: sealed(keys, queue, bytes, clock.now()) };
      this.#channel.publish(exchange, queue, bytes, options, (error: unknown) => (error === null ? resolve() : reject(error)));
    });
    await Promise.race([confirmed, this.#ended]);
  }

  #arrived(message: ConsumeMessage | null): void {
    if (message === null) return void this.#channel.close().catch(() => undefined);
    const { keys, queue, clock } = this.#options;
    const { fields, properties, content } = message;
    const refused = whyUnsealed(keys, queue, properties, content);
    if (properties.type === record) {
      const found = refused === null ? parseRecord(content.toString(), fields.deliveryTag) : null;
      if (found === null) this.#refused = refused ?? 'it is no record';
      else this.#found.push({ ...found, kid: String(properties.headers?.['kid']) });
    } else if (content.toString() === this.#nonce) {
      this.#ownMarks += 1;
      this.#marks.push(fields.deliveryTag);
    } else if (clock.now() - (madeAt(properties) ?? 0) > staleMs) this.#marks.push(fields.deliveryTag);
    this.#wake();
  }

  #ack(deliveryTag: number): void {
    this.#channel.ack({ fields: { deliveryTag } } as unknown as Message);
  }

  async #until(done: () => boolean): Promise<void> {
    while (!done()) {
      const woken = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      await Promise.race([woken, this.#ended]);
    }
  }
}

/** Of equal versions the first: see above. */
function newestOf<F extends { readonly version: number }>(found: readonly F[]): F | null {
  return found.reduce<F | null>((best, one) => (best === null || one.version > best.version ? one : best), null);
}

function parseRecord(text: string, tag: number): Omit<Found, 'kid'> | null {
  const { v, version, nonce, record: value } = JSON.parse(text) as Record<string, unknown>;
  if (v !== 1 || typeof version !== 'number' || typeof nonce !== 'string') return null;
  return { tag, version, nonce, value };
}
