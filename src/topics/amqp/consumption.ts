import type { Channel, ConsumeMessage, Message } from 'amqplib';
import type { Clock } from '../../lib/clock.ts';
import { endsWithin } from '../../lib/or-late.ts';
import { Fault } from '../../model/faults.ts';
import { brokerFault } from './broker-fault.ts';
import type { Connection } from './connection.ts';
import { leave } from './partition-queue.ts';

const closeTimeoutMs = 2_000;

/**
 * One channel with one consumer. It ends as a whole, with the channel (an acknowledgement that took longer than the broker's
 * `consumer_timeout`), the connection, or the cancellation by the broker (the queue was deleted); `lost` says why.
 */
export class Consumption {
  readonly lost: AbortSignal;
  readonly #connection: Connection;
  readonly #clock: Clock;
  readonly #queue: string;
  readonly #channel: Channel;
  readonly #lost = new AbortController();

  private constructor(connection: Connection, queue: string, channel: Channel, clock: Clock) {
    this.#connection = connection;
    this.#clock = clock;
    this.#queue = queue;
    this.#channel = channel;
    this.lost = this.#lost.signal;
    channel.on('error', (error) => this.#lose(error.message, error));
    channel.on('close', () => this.#lose('the channel was closed'));
  }

  static async open(connection: Connection, queue: string, clock: Clock): Promise<Consumption> {
    return new Consumption(connection, queue, await connection.channel(), clock);
  }

  /** Throws a Fault, and is closed then. `onMessage` must not throw: amqplib would close the channel with it. */
  async start(prefetch: number, onMessage: (message: ConsumeMessage) => void): Promise<void> {
    const take = (message: ConsumeMessage | null) => {
      if (message === null) {
        this.#lose('the broker cancelled the consumer');
        leave(this.#channel);
      } else if (!this.#lost.signal.aborted) onMessage(message);
    };
    try {
      await this.#channel.prefetch(prefetch);
      await this.#channel.consume(this.#queue, take);
    } catch (thrown) {
      leave(this.#channel);
      throw brokerFault(thrown, `consuming from ${this.#queue}`);
    }
  }

  /** This delivery and all before it on this channel. Dropped when the channel is gone: they come again then. */
  ackUpTo(deliveryTag: number): void {
    try {
      this.#channel.ack({ fields: { deliveryTag } } as unknown as Message, true);
    } catch (thrown) {
      this.#lose('the channel is closed', thrown);
    }
  }

  /** The channel, not the consumer alone: a cancelled consumer's unsettled deliveries would stay with us while others are served. */
  async close(): Promise<void> {
    this.#lose('closed by us');
    // amqplib never answers a close whose connection is lost before the broker's answer.
    if (!(await endsWithin(this.#clock, closeTimeoutMs, this.#channel.close()))) this.#connection.abandon(this.#channel);
  }

  /** Retryable whatever its code: 406 on a running channel is an acknowledgement that took too long. */
  #lose(why: string, cause?: unknown): void {
    if (this.#lost.signal.aborted) return;
    this.#lost.abort(new Fault('retryable', 'amqp_disconnected', `${this.#queue}: ${why}`, { cause }));
  }
}
