import type { ConfirmChannel, Message } from 'amqplib';
import type { Clock } from '../../lib/clock.ts';
import { orAborted } from '../../lib/or-aborted.ts';
import { Fault } from '../../model/faults.ts';
import { type BrokerConnection, connectTo } from './broker-connection.ts';
import { brokerFault } from './broker-fault.ts';
import { toEndpoint } from './endpoints.ts';
import { during } from './topology.ts';

const heartbeatS = 20;
const connectTimeoutMs = 10_000;

/** One notification on its way: the text as it was read, and its priority. */
export interface Outgoing {
  readonly text: string;
  readonly priority: string;
  /** The text is an oslo.messaging envelope already. */
  readonly enveloped: boolean;
}

interface Target {
  readonly exchange: string;
  readonly topic: string;
  readonly declare: boolean;
  readonly exchangeOptions: { readonly durable: boolean; readonly autoDelete: boolean };
  readonly queueArguments: Readonly<Record<string, string>>;
}

/** Pure: what the query of the URL says. Flags are `true` or `1`. */
export function toTarget(url: URL): Target {
  const query = url.searchParams;
  const flag = (name: string, otherwise: boolean) => {
    const value = query.get(name);
    return value === null ? otherwise : value === 'true' || value === '1';
  };
  const quorum = flag('quorum', false);
  return {
    exchange: query.get('exchange') ?? 'nova',
    topic: query.get('topic') ?? 'notifications',
    declare: flag('declare', true),
    exchangeOptions: { durable: flag('durable', quorum), autoDelete: flag('auto_delete', false) },
    queueArguments: quorum ? { 'x-queue-type': 'quorum' } : {},
  };
}

/** Envelope v2, around the text as it is: re-encoding it would lose digits of its numbers. */
export function toEnvelope(outgoing: Outgoing): string {
  return outgoing.enveloped ? outgoing.text : `{"oslo.version": "2.0", "oslo.message": ${JSON.stringify(outgoing.text)}}`;
}

/**
 * Publishes notifications as an oslo.messaging driver does (it declares the exchange, and the queue named like the routing key, so
 * that nothing is unroutable), and counts only what the broker confirmed and did not return.
 */
export class AmqpSender {
  readonly #url: URL;
  readonly #target: Target;
  readonly #clock: Clock;
  readonly #declared = new Set<string>();
  #open: { readonly connection: BrokerConnection; readonly channel: ConfirmChannel } | undefined;

  constructor(url: URL, clock: Clock) {
    this.#url = url;
    this.#target = toTarget(url);
    this.#clock = clock;
  }

  /** Resolves when all are confirmed. Throws a Fault; then any of them may have arrived: send all of them again. */
  async send(batch: readonly Outgoing[], signal: AbortSignal): Promise<void> {
    try {
      const { channel, connection } = await this.#ready();
      const leave = AbortSignal.any([signal, connection.lost]);
      for (const { priority } of batch) await this.#declare(channel, `${this.#target.topic}.${priority}`);
      await orAborted(this.#publish(channel, batch), leave);
    } catch (thrown) {
      await this.close();
      signal.throwIfAborted();
      throw brokerFault(thrown, 'sending');
    }
  }

  async close(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    this.#declared.clear();
    await open?.connection.close();
  }

  async #ready(): Promise<{ readonly connection: BrokerConnection; readonly channel: ConfirmChannel }> {
    if (this.#open !== undefined) return this.#open;
    const endpoint = toEndpoint(this.#url.toString(), undefined, heartbeatS);
    const connection = await connectTo(endpoint, { noDelay: true, timeout: connectTimeoutMs }, this.#clock);
    try {
      const channel = await connection.model.createConfirmChannel();
      channel.on('error', () => undefined); // the pending call or confirm is told; without a listener it would end the process
      this.#open = { connection, channel };
      return this.#open;
    } catch (thrown) {
      connection.destroy();
      throw thrown;
    }
  }

  async #declare(channel: ConfirmChannel, routingKey: string): Promise<void> {
    if (!this.#target.declare || this.#declared.has(routingKey)) return;
    const { exchange, exchangeOptions, queueArguments } = this.#target;
    await during(`declaring exchange ${exchange}`, channel.assertExchange(exchange, 'topic', exchangeOptions));
    const queue = { ...exchangeOptions, arguments: queueArguments };
    await during(`declaring queue ${routingKey}`, channel.assertQueue(routingKey, queue));
    await during(`binding queue ${routingKey}`, channel.bindQueue(routingKey, exchange, routingKey));
    this.#declared.add(routingKey);
  }

  async #publish(channel: ConfirmChannel, batch: readonly Outgoing[]): Promise<void> {
    let returned: string | undefined;
    const onReturn = (message: Message) => {
      returned = message.fields.routingKey;
    };
    channel.on('return', onReturn);
    try {
      await Promise.all(
        batch.map(
          (outgoing) =>
            new Promise<void>((resolve, reject) => {
              const options = { mandatory: true, persistent: true, contentType: 'application/json', contentEncoding: 'utf-8' };
              const routingKey = `${this.#target.topic}.${outgoing.priority}`;
              const body = Buffer.from(toEnvelope(outgoing));
              channel.publish(this.#target.exchange, routingKey, body, options, (error) => (error ? reject(error) : resolve()));
            }),
        ),
      );
    } finally {
      channel.off('return', onReturn);
    }
    // A return arrives before the confirm of its message, so all of them are known here.
    if (returned !== undefined)
      throw new Fault('fatal', 'amqp_unroutable', `no queue takes ${returned} from exchange ${this.#target.exchange}`);
  }
}
