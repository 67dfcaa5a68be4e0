import { randomUUID } from 'node:crypto';
import type { ConfirmChannel, ConsumeMessage, Message } from 'amqplib';
import type { Clock } from '../../lib/clock.ts';
import type { KeyRing } from '../../lib/key-ring.ts';
import { Fault } from '../../model/faults.ts';
import type { Connection } from './connection.ts';
import { leave } from './partition-queue.ts';
import { madeAt, sealed, whyUnsealed } from './seal.ts';

/** What stands in the queue: one record, or more of them when somebody died while replacing one; and marks of who is reading. */
export interface Found {
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

/** The time in which one process has a record queue for itself: see `RecordQueue`. */
export class RecordSession {
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
  static async begin(connection: Connection, options: RecordQueueOptions): Promise<RecordSession | null> {
    const session = new RecordSession(await connection.confirmChannel(), connection, options);
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
