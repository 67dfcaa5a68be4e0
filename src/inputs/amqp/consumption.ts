import { type Channel, type ConsumeMessage, IllegalOperationError, type Message } from 'amqplib';
import type { Clock } from '../../lib/clock.ts';
import { Fault } from '../../model/faults.ts';
import { HeardCustody } from '../custody.ts';
import type { Custody } from '../input.ts';
import type { BrokerConnection } from './broker-connection.ts';
import { brokerFault } from './broker-fault.ts';
import { AmqpDelivery, type Receipts, type Route, routeOf } from './delivery.ts';
import { Settlements } from './settlements.ts';
import { declareTopology, during, type Topology } from './topology.ts';

interface ConsumptionOptions {
  readonly declare: boolean;
  readonly prefetch: number;
  readonly clock: Clock;
  /** Something that was taken is settled or given back. */
  readonly closed: () => void;
}

/**
 * One generation of consuming: a channel on one connection with a consumer on every queue. It ends as a whole, with the
 * channel, the connection, or the cancellation of any consumer (its queue was deleted or moved); `lost` says why. The next generation
 * declares everything again.
 */
export class Consumption implements Receipts {
  readonly lost: AbortSignal;
  readonly settlements: Settlements;
  readonly custody: Custody;
  readonly #channel: Channel;
  readonly #closed: () => void;
  readonly #lost = new AbortController();
  readonly #consumerTags: string[] = [];
  #touched = new Set<string>();
  #inbox: AmqpDelivery[] = [];
  #arrived: (() => void) | null = null;

  private constructor(connection: BrokerConnection, channel: Channel, { clock, closed }: ConsumptionOptions) {
    this.#channel = channel;
    this.#closed = closed;
    this.lost = AbortSignal.any([connection.lost, this.#lost.signal]);
    this.settlements = new Settlements({
      ack: (tag, allUpTo) => this.#send(() => channel.ack(tagged(tag), allUpTo)),
      nack: (tag) => this.#send(() => channel.nack(tagged(tag), false, true)),
    });
    this.lost.addEventListener('abort', () => this.settlements.end(), { once: true });
    const custody = new HeardCustody(clock, this.lost);
    this.custody = custody;
    connection.onHeard(() => {
      // What was handed out before such a silence may be with another listener already, whatever the broker says now.
      if (!custody.holds() && this.settlements.open)
        this.#lose(new Fault('retryable', 'amqp_silent', `${connection.label} was not heard for a minute`));
      custody.heard();
    });
    // Retryable whatever its code: 406 on a running channel is an acknowledgement that took too long, not a flag that differs.
    channel.on('error', (error: Error) =>
      this.#lose(new Fault('retryable', 'amqp_disconnected', error.message, { cause: error })),
    );
    channel.on('close', () => this.#lose(new Fault('retryable', 'amqp_disconnected', 'the channel was closed')));
  }

  /** Throws a Fault: fatal when the site's flags differ. */
  static async start(connection: BrokerConnection, topology: Topology, options: ConsumptionOptions): Promise<Consumption> {
    const channel = await during('opening a channel', connection.model.createChannel());
    const consumption = new Consumption(connection, channel, options);
    if (options.declare) await declareTopology(channel, topology);
    // Per consumer: quorum queues know no limit for a whole channel. What exceeds the input's bound waits in the inbox.
    await during('setting the prefetch', channel.prefetch(options.prefetch));
    for (const queue of topology.queues) {
      let route: Route | undefined;
      // Nothing in this callback may throw: amqplib would close the channel with it.
      const onMessage = (message: ConsumeMessage | null) => {
        if (message === null) {
          consumption.#lose(new Fault('retryable', 'amqp_cancelled', `the broker cancelled the consumer of ${queue}`));
          return;
        }
        route = routeOf(queue, message.fields, route);
        consumption.#take(new AmqpDelivery(message, route, consumption));
      };
      const { consumerTag } = await during(`consuming from ${queue}`, channel.consume(queue, onMessage));
      consumption.#consumerTags.push(consumerTag);
    }
    return consumption;
  }

  get waiting(): number {
    return this.#inbox.length;
  }

  /** Resolves when messages are waiting. */
  async arrival(): Promise<void> {
    if (this.#inbox.length > 0) return;
    await new Promise<void>((resolve) => {
      this.#arrived = resolve;
    });
  }

  take(most: number): readonly AmqpDelivery[] {
    const taken = this.#inbox.splice(0, most);
    for (const { deliveryTag, queue } of taken) {
      this.settlements.handed(deliveryTag);
      this.#touched.add(queue);
    }
    return taken;
  }

  settle({ deliveryTag }: AmqpDelivery): void {
    this.settlements.settle(deliveryTag);
    this.#closed();
  }

  giveBack({ deliveryTag }: AmqpDelivery): void {
    this.settlements.giveBack(deliveryTag);
    this.#closed();
  }

  /**
   * The broker's channel handles our frames in order and asks the queue itself, so its answer comes after it has seen the acks.
   * Every queue is asked that something was taken from since the last proof.
   */
  async prove(): Promise<void> {
    const asked = this.#touched;
    this.#touched = new Set();
    await this.settlements.prove(async () => {
      if (this.lost.aborted) throw brokerFault(this.lost.reason, 'proving');
      for (const queue of asked) await during(`proving the acknowledgements of ${queue}`, this.#channel.checkQueue(queue));
    });
  }

  /** Takes no more: consumers are cancelled, what nobody was handed yet goes back. What was handed out may still be settled. */
  async stop(): Promise<void> {
    for (const consumerTag of this.#consumerTags.splice(0)) await during('cancelling', this.#channel.cancel(consumerTag));
    for (const { deliveryTag } of this.#inbox.splice(0)) this.settlements.giveBack(deliveryTag);
  }

  /** Proves the last acks and closes the channel. */
  async close(): Promise<void> {
    if (this.lost.aborted) return;
    await this.prove();
    await during('closing the channel', this.#channel.close());
  }

  #take(delivery: AmqpDelivery): void {
    this.#inbox.push(delivery);
    // Once: to resolve a promise that is resolved costs as much as taking the message.
    this.#arrived?.();
    this.#arrived = null;
  }

  #lose(fault: Fault): void {
    if (!this.#lost.signal.aborted) this.#lost.abort(fault);
    this.#inbox = [];
  }

  /** The channel may have closed a moment before its event reaches us: that settlement is dropped like all of a dead channel. */
  #send(frame: () => void): void {
    try {
      frame();
    } catch (thrown) {
      if (!(thrown instanceof IllegalOperationError)) throw thrown;
      this.#lose(new Fault('retryable', 'amqp_disconnected', 'the channel is closed', { cause: thrown }));
    }
  }
}

/** amqplib reads nothing of a message it acknowledges but the tag. */
function tagged(deliveryTag: number): Message {
  return { fields: { deliveryTag } } as unknown as Message;
}
