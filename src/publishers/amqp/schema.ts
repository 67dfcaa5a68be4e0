import { z } from 'zod';
import { TlsFiles } from '../../model/tls-files.ts';

export const AmqpSchema = z.strictObject({
  url: z
    .union([z.url({ protocol: /^amqps?$/ }), z.array(z.url({ protocol: /^amqps?$/ })).min(1)])
    .describe('The broker, or several of one cluster that are tried in turn.'),
  exchange: z.string().min(1).default('ceilometer').describe('A topic exchange; declared when missing.'),
  exchange_durable: z.boolean().default(false).describe("Must equal the site's `amqp_durable_queues`."),
  topic: z
    .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
    .optional()
    .describe('The topic, or several. Without it `metering` for samples and `event` for events; aodh wants `alarm.all`.'),
  event_type: z
    .string()
    .min(1)
    .optional()
    .describe(
      'The event type of the notifications. Without it `metering` for samples and `event` for events, whatever the topic.',
    ),
  per_meter_topic: z
    .boolean()
    .default(false)
    .describe('Then also one notification per meter, of the event type `<event type>.<meter>`. Samples only.'),
  declare_queue: z
    .boolean()
    .default(true)
    .describe(
      'Declare and bind a queue named like the routing key (`<topic>.sample`), as oslo.messaging does, so that nothing is unroutable.',
    ),
  auto_delete: z.boolean().default(false).describe("Must equal the site's `amqp_auto_delete`."),
  queue_durable: z.boolean().default(false).describe("Must equal the site's `amqp_durable_queues`; needed by `quorum`."),
  queue_type: z.enum(['classic', 'quorum']).default('classic').describe("Must equal the site's `rabbit_quorum_queue`."),
  persistent: z.boolean().default(true).describe('Ask the broker to keep the messages on disk.'),
  publisher_id: z.string().optional().describe('Default `telemetry.publisher.<host name>`.'),
  confirm_timeout_ms: z
    .int()
    .min(1)
    .default(10_000)
    .describe('A batch that the broker has not confirmed by then is published again.'),
  tls: TlsFiles.optional(),
});
export type AmqpParameters = z.output<typeof AmqpSchema>;
export const summary = "Publishes signed oslo notifications, as Ceilometer's `notifier://` does, and waits for the confirm.";
