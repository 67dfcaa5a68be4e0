import { hostname } from 'node:os';
import type { ConfirmChannel } from 'amqplib';
import { tlsOptions } from '../../model/tls-files.ts';
import { readConfigured } from '../configured-file.ts';
import type { Publisher, PublisherKind } from '../publisher.ts';
import { Link } from './link.ts';
import { toOsloNotification } from './notification.ts';
import { type AmqpParameters, summary } from './schema.ts';

/**
 * Ceilometer's `notifier://`: a batch becomes one notification whose payload is the list of signed messages, published to a topic
 * exchange under `<topic>.sample`. Accepted means confirmed by the broker and routed to a queue at least.
 */
export const amqp: PublisherKind<AmqpParameters> = {
  name: 'amqp',
  summary,
  open: async (parameters, context) => {
    const topic = parameters.topic ?? (context.kind === 'samples' ? 'metering' : 'event');
    const key = `${topic}.sample`;
    const publisherId = parameters.publisher_id ?? `telemetry.publisher.${hostname()}`;
    const link = new Link({
      urls: typeof parameters.url === 'string' ? [parameters.url] : parameters.url,
      socketOptions: await tlsOptions(parameters.tls, (path) => readConfigured(path, context.baseDir)),
      connectionName: `ceilograph publisher ${context.sink}/${context.name}`,
      timeoutMs: parameters.confirm_timeout_ms,
      clock: context.clock,
      prepare: (channel) => declare(channel, parameters, key),
    });

    const publisher: Publisher = {
      publish: async (batch, signal) => {
        const now = context.clock.now();
        const body = Buffer.from(toOsloNotification({ id: batch.id, publisherId, topic, messages: batch.messages(), now }));
        const options = {
          persistent: parameters.persistent,
          contentType: 'application/json',
          contentEncoding: 'utf-8',
          messageId: batch.id,
          timestamp: Math.floor(now / 1000),
        };
        await link.publish(parameters.exchange, key, body, options, signal);
      },
      probe: async (signal) => {
        await link.channel(signal);
      },
      close: () => link.close(),
    };
    return publisher;
  },
};

/** As oslo.messaging does before it publishes. Flags that differ from the site's are refused by the broker (406). */
async function declare(channel: ConfirmChannel, parameters: AmqpParameters, key: string): Promise<void> {
  await channel.assertExchange(parameters.exchange, 'topic', { durable: parameters.exchange_durable, autoDelete: false });
  if (!parameters.declare_queue) return;
  const queue = { durable: parameters.queue_durable, autoDelete: false };
  await channel.assertQueue(
    key,
    parameters.queue_type === 'quorum' ? { ...queue, arguments: { 'x-queue-type': 'quorum' } } : queue,
  );
  await channel.bindQueue(key, parameters.exchange, key);
}
