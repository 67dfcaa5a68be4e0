import { type ChannelModel, type ConfirmChannel, connect } from 'amqplib';
import type { Raw } from './traffic.ts';

export const exchange = 'nova';
const routingKey = 'notifications.info';

/** Publishes as oslo.messaging does to a durable queue, and keeps what was confirmed: the raw input of the oracle. */
export class Feeder {
  readonly #urls: readonly string[];
  /** Of a queue with copies on several nodes. */
  readonly #arguments: Readonly<Record<string, string>>;
  #next = 0;
  readonly published: Raw[] = [];
  #connection: ChannelModel | undefined;
  #channel: ConfirmChannel | undefined;

  /** Several nodes of one cluster are tried in turn, and then the queue has a copy on each. */
  constructor(...urls: readonly string[]) {
    this.#urls = urls;
    this.#arguments = urls.length > 1 ? { 'x-queue-type': 'quorum' } : {};
  }

  get #url(): string {
    return this.#urls[this.#next++ % this.#urls.length] ?? '';
  }

  /** At most `perSecond`, in batches that are confirmed one after the other; a broker that goes away is waited for, and the batch sent again. */
  async feed(
    raws: Iterable<Raw>,
    perSecond = Number.POSITIVE_INFINITY,
    enough: (sent: number) => boolean = () => false,
  ): Promise<void> {
    const batchSize = Math.max(1, Math.min(200, Math.floor(perSecond / 20)));
    let batch: Raw[] = [];
    for (const raw of raws) {
      batch.push(raw);
      if (batch.length < batchSize) continue;
      const paced = new Promise((resolve) => setTimeout(resolve, (batchSize / perSecond) * 1000));
      await this.#send(batch);
      batch = [];
      await paced;
      if (enough(this.published.length)) return;
    }
    await this.#send(batch);
  }

  /** Bodies of which nothing is to come but dead letters. */
  async publishAside(bodies: readonly (string | Buffer)[]): Promise<void> {
    const connection = await connect(this.#url);
    const channel = await connection.createConfirmChannel();
    for (const body of bodies) channel.publish(exchange, routingKey, Buffer.from(body), { persistent: true, mandatory: true });
    await channel.waitForConfirms();
    await connection.close();
  }

  async #send(batch: readonly Raw[]): Promise<void> {
    const end = performance.now() + 120_000;
    for (;;) {
      try {
        this.#channel ??= await this.#open();
        const channel = this.#channel;
        for (const { body } of batch)
          channel.publish(exchange, routingKey, Buffer.from(body), { persistent: true, mandatory: true });
        await channel.waitForConfirms();
        break;
      } catch (error) {
        this.#drop();
        if (performance.now() > end) throw error;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
    for (const raw of batch) this.published.push(raw);
  }

  async #open(): Promise<ConfirmChannel> {
    const connection = await connect(this.#url, { noDelay: true });
    connection.on('error', () => this.#drop());
    connection.on('close', () => this.#drop());
    this.#connection = connection;
    const channel = await connection.createConfirmChannel();
    channel.on('error', () => undefined);
    await channel.assertExchange(exchange, 'topic', { durable: true });
    await channel.assertQueue(routingKey, { durable: true, arguments: this.#arguments });
    await channel.bindQueue(routingKey, exchange, routingKey);
    return channel;
  }

  #drop(): void {
    this.#channel = undefined;
    this.#connection = undefined;
  }

  async close(): Promise<void> {
    await this.#connection?.close().catch(() => undefined);
  }
}
