import { hostname } from 'node:os';
import type { ConfirmChannel } from 'amqplib';
import type { TextPiece } from '../../lib/text-pieces.ts';
import { isEvent } from '../../model/item.ts';
import { commonTrace } from '../../model/output-traces.ts';
import { stableId } from '../../model/stable-hash.ts';
import { tlsOptions } from '../../model/tls-files.ts';
import { readConfigured } from '../configured-file.ts';
import type { Batch, Publisher, PublisherKind } from '../publisher.ts';
import { Link } from './link.ts';
import { toOsloNotification } from './notification.ts';
import { type AmqpParameters, summary } from './schema.ts';

/**
 * Ceilometer's `notifier://`: a batch becomes one notification whose payload is the list of signed messages, published to a topic
 * exchange under `<topic>.sample`, for each topic; with `per_meter_topic` others follow, one per meter. Accepted means confirmed by the broker and
 * routed to a queue at least.
 */
export const amqp: PublisherKind<AmqpParameters> = {
  name: 'amqp',
  summary,
  open: async (parameters, context) => {
    const { hand } = context;
    const standard = context.kind === 'samples' ? 'metering' : 'event';
    const topics = parameters.topic === undefined ? [standard] : [parameters.topic].flat();
    const eventType = parameters.event_type ?? standard;
    const publisherId = parameters.publisher_id ?? `telemetry.publisher.${hostname()}`;
    const link = new Link({
      urls: typeof parameters.url === 'string' ? [parameters.url] : parameters.url,
      socketOptions: hand === undefined ? await tlsOptions(parameters.tls, (path) => readConfigured(path, context.baseDir)) : {},
      connectionName: `ceilograph publisher ${context.sink}/${context.name}`,
      timeoutMs: parameters.confirm_timeout_ms,
      clock: context.clock,
      prepare: async (channel) => {
        for (const topic of topics) await declare(channel, parameters, keyOf(topic));
      },
    });

    const publisher: Publisher = {
      // Messages of one meter are found by their items.
      ...(parameters.per_meter_topic ? {} : { takes: 'messages' }),
      publish: async (batch, signal) => {
        const now = context.clock.now();
        const traceparent = commonTrace(batch.traces, batch.count);
        const perMeter = parameters.per_meter_topic ? byMeter(batch) : [];
        const parts: Part[] = [{ eventType, payload: batch.messageTexts() }];
        for (const [meter, messages] of perMeter) parts.push({ eventType: `${eventType}.${meter}`, payload: messages });
        for (const topic of topics)
          for (const [index, { eventType, payload }] of parts.entries()) {
            // oslo.messaging skips an id that it has just seen, and these are different messages.
            const id = topic === topics[0] && index === 0 ? batch.id : stableId([batch.id, topic, eventType]);
            const options = {
              persistent: parameters.persistent,
              contentType: 'application/json',
              contentEncoding: 'utf-8',
              messageId: id,
              timestamp: Math.floor(now / 1000),
              ...(traceparent === undefined ? {} : { headers: { traceparent } }),
            };
            const { exchange } = parameters;
            const body = toOsloNotification({ id, publisherId, eventType, payload, now });
            const to = { exchange, routing_key: keyOf(topic), headers: options.headers ?? {} };
            if (hand !== undefined) await hand({ to, body: body.toString() });
            else await link.publish(exchange, to.routing_key, body, options, signal);
          }
      },
      probe: async (signal) => {
        await link.channel(signal);
      },
      close: () => link.close(),
    };
    return publisher;
  },
};

interface Part {
  readonly eventType: string;
  readonly payload: readonly TextPiece[];
}

const keyOf = (topic: string) => `${topic}.sample`;

/** In the order of their names, as Ceilometer sends them. */
function byMeter(batch: Batch): readonly (readonly [meter: string, messages: readonly string[]])[] {
  const meters = new Map<string, string[]>();
  const messages = batch.messages();
  for (const [index, item] of batch.items.entries()) {
    if (isEvent(item)) continue;
    const list = meters.get(item.name) ?? [];
    list.push(`${messages[index]}\n`);
    meters.set(item.name, list);
  }
  return [...meters].sort(([a], [b]) => (a < b ? -1 : 1));
}

/** As oslo.messaging does before it publishes. Flags that differ from the site's are refused by the broker (406). */
async function declare(channel: ConfirmChannel, parameters: AmqpParameters, key: string): Promise<void> {
  await channel.assertExchange(parameters.exchange, 'topic', {
    durable: parameters.exchange_durable,
    autoDelete: parameters.auto_delete,
  });
  if (!parameters.declare_queue) return;
  const queue = { durable: parameters.queue_durable, autoDelete: parameters.auto_delete };
  await channel.assertQueue(
    key,
    parameters.queue_type === 'quorum' ? { ...queue, arguments: { 'x-queue-type': 'quorum' } } : queue,
  );
  await channel.bindQueue(key, parameters.exchange, key);
}
