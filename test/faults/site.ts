import { randomUUID } from 'node:crypto';
import { type ChannelModel, connect } from 'amqplib';
import { removeTopology, takeAll } from '../services/rabbitmq.ts';
import { amqpUrl } from '../services/with-services.ts';

/**
 * The broker's side of a fault test: exchanges and raw queues of its own, as a site with durable queues has them, and a copy of all
 * that is published. One notification is sent after the other, so a raw queue has them in the order of the copy, which is what the
 * oracle replays.
 */
export class Site {
  readonly topic = `faults-${randomUUID()}`;
  readonly exchanges: readonly string[];
  /** Every notification so far. The agent's canaries are not among them: they go straight to the raw queue. */
  readonly published: Buffer[] = [];
  readonly #connection: ChannelModel;
  readonly #priorities: readonly string[];

  private constructor(connection: ChannelModel, exchanges: readonly string[], priorities: readonly string[]) {
    this.#connection = connection;
    this.#priorities = priorities;
    this.exchanges = exchanges.map((exchange) => this.exchange(exchange));
  }

  /** One priority is one raw queue, with one order. */
  static async open(exchanges: readonly string[], priorities: readonly string[] = ['info']): Promise<Site> {
    const site = new Site(await connect(await amqpUrl()), exchanges, priorities);
    await site.#record();
    return site;
  }

  /** A service's exchange, apart from those that the broker may have for others. */
  exchange(service: string): string {
    return `${service}-${this.topic}`;
  }

  get rawQueues(): readonly string[] {
    return this.#priorities.map((priority) => `${this.topic}.${priority}`);
  }

  /** The `amqp` input of the agent, as YAML. */
  async input(): Promise<string> {
    const lists = `exchanges: [${this.exchanges.join(', ')}], topics: [${this.topic}], priorities: [${this.#priorities.join(', ')}]`;
    return `amqp: { url: "${await amqpUrl()}", ${lists}, durable: true, prefetch: 200 }`;
  }

  async #record(): Promise<void> {
    const channel = await this.#connection.createChannel();
    const { queue } = await channel.assertQueue('', { exclusive: true });
    for (const exchange of this.exchanges) {
      await channel.assertExchange(exchange, 'topic', { durable: true });
      for (const routingKey of this.rawQueues) await channel.bindQueue(queue, exchange, routingKey);
    }
    const onMessage = (message: { readonly content: Buffer } | null) => {
      if (message !== null) this.published.push(message.content);
    };
    await channel.consume(queue, onMessage, { noAck: true });
  }

  /** Notifications that nobody has taken. Only once no agent runs: what was unacknowledged has returned then. */
  async leftInRawQueues(): Promise<readonly string[]> {
    const bodies: string[] = [];
    for (const queue of this.rawQueues) bodies.push(...(await takeAll(queue)));
    return bodies.filter((body) => !body.includes('"event_type":"ceilograph.canary"'));
  }

  async close(): Promise<void> {
    await this.#connection.close();
    await removeTopology(this.exchanges, this.rawQueues);
  }
}
