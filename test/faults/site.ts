import { randomUUID } from 'node:crypto';
import { type ChannelModel, connect } from 'amqplib';
import { removeTopology, takeAll } from '../services/rabbitmq.ts';
import { amqpUrl } from '../services/with-services.ts';

/**
 * The broker's side of a fault test: exchanges and one raw queue of its own, as a site with durable queues has them, and a copy of
 * all that is published, in the order of the raw queue. One connection publishes, so both queues have one order, and the copy is what
 * the oracle replays.
 */
export class Site {
  readonly exchanges: readonly string[];
  readonly topic = `faults-${randomUUID()}`;
  /** Every notification so far. The agent's canaries are not among them: they go straight to the raw queue. */
  readonly published: Buffer[] = [];
  readonly #connection: ChannelModel;

  private constructor(connection: ChannelModel, exchanges: readonly string[]) {
    this.#connection = connection;
    this.exchanges = exchanges;
  }

  static async open(exchanges: readonly string[]): Promise<Site> {
    const site = new Site(await connect(await amqpUrl()), exchanges);
    await site.#record();
    return site;
  }

  get rawQueue(): string {
    return `${this.topic}.info`;
  }

  /** The `amqp` input of the agent, as YAML. */
  async input(): Promise<string> {
    const lists = `exchanges: [${this.exchanges.join(', ')}], topics: [${this.topic}], priorities: [info]`;
    return `amqp: { url: "${await amqpUrl()}", ${lists}, durable: true, prefetch: 200 }`;
  }

  async #record(): Promise<void> {
    const channel = await this.#connection.createChannel();
    const { queue } = await channel.assertQueue('', { exclusive: true });
    for (const exchange of this.exchanges) {
      await channel.assertExchange(exchange, 'topic', { durable: true });
      await channel.bindQueue(queue, exchange, this.rawQueue);
    }
    const onMessage = (message: { readonly content: Buffer } | null) => {
      if (message !== null) this.published.push(message.content);
    };
    await channel.consume(queue, onMessage, { noAck: true });
  }

  /** Notifications that nobody has taken. Only once no agent runs: what was unacknowledged has returned then. */
  async leftInRawQueue(): Promise<readonly string[]> {
    const bodies = await takeAll(this.rawQueue);
    return bodies.filter((body) => !body.includes('"event_type":"ceilograph.canary"'));
  }

  async close(): Promise<void> {
    await this.#connection.close();
    await removeTopology(this.exchanges, [this.rawQueue]);
  }
}
