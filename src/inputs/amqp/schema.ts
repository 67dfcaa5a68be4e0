import { z } from 'zod';
import { priorities } from '../../model/notification.ts';
import { TlsFiles } from '../../model/tls-files.ts';

/** The control exchanges of Ceilometer 27 (`http_control_exchanges` and friends come from the same services). */
const openstackExchanges = [
  'nova',
  'glance',
  'neutron',
  'cinder',
  'heat',
  'keystone',
  'trove',
  'zaqar',
  'swift',
  'ceilometer',
  'magnum',
  'dns',
  'ironic',
  'aodh',
];
const BrokerUrl = z.url({ protocol: /^amqps?$/ });

export const AmqpInputSchema = z.strictObject({
  url: z
    .union([BrokerUrl, z.array(BrokerUrl).min(1)])
    .describe('The broker, or several of one cluster that are tried in turn: `amqp://user@host:5672/vhost`.'),
  password_file: z
    .string()
    .min(1)
    .optional()
    .describe('A file with the password, read at every connect; wins over the one in the URL.'),
  exchanges: z
    .array(z.string().min(1))
    .min(1)
    .default(openstackExchanges)
    .describe('Exchanges to listen to; each queue is bound to all of them.'),
  topics: z
    .array(z.string().min(1))
    .min(1)
    .default(['notifications'])
    .describe(
      'Topics, as in `[oslo_messaging_notifications] topics`. A queue is named like its routing key: `<topic>.<priority>`.',
    ),
  priorities: z
    .array(z.enum(priorities))
    .min(1)
    .default([...priorities])
    .describe('Priorities to listen to.'),
  declare: z
    .boolean()
    .default(true)
    .describe('Declare exchanges, queues and bindings. Without it the queues must be there (needs only the read permission).'),
  durable: z
    .boolean()
    .default(false)
    .describe("Exchanges and queues survive a restart of the broker. Must equal the site's `amqp_durable_queues`."),
  auto_delete: z.boolean().default(false).describe("Must equal the site's `amqp_auto_delete`."),
  quorum: z.boolean().default(false).describe("Quorum queues (implies `durable`). Must equal the site's `rabbit_quorum_queue`."),
  ha: z.boolean().default(false).describe("The argument of the site's `rabbit_ha_queues`; brokers since RabbitMQ 3.0 ignore it."),
  exchange_type: z.enum(['topic', 'direct', 'fanout', 'headers']).default('topic').describe('The type of the exchanges.'),
  queue_arguments: z
    .record(z.string(), z.union([z.string(), z.int(), z.boolean()]))
    .default({})
    .describe('More arguments of the queues, such as `x-delivery-limit`. Must equal what the site declares.'),
  prefetch: z
    .int()
    .min(1)
    .max(65_535)
    .default(1000)
    .describe('At most so many notifications are in work at a time; at least rate × (linger + confirm time).'),
  heartbeat_s: z.int().min(0).default(20).describe('Heartbeat interval asked for; 0 switches it off.'),
  connect_timeout_ms: z.int().min(1).default(10_000).describe('How long one broker may take to greet.'),
  tls: TlsFiles.optional().describe('For `amqps` URLs.'),
});
export type AmqpInputParameters = z.output<typeof AmqpInputSchema>;
export const summary = 'Consumes oslo.messaging notifications from RabbitMQ queues and acknowledges what is durable.';
