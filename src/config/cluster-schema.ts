import { z } from 'zod';
import { kafkaConnection } from '../model/kafka-connection.ts';
import { TlsFiles } from '../model/tls-files.ts';

const SentinelsSchema = z.strictObject({
  hosts: z
    .array(z.string().regex(/^(\[[\da-fA-F:.]+\]|[^:[\]\s]+)(:\d{1,5})?$/, 'expected `host` or `host:port`'))
    .min(1)
    .describe('The sentinels: `host` or `host:26379`. Each connection asks the next one that answers.'),
  acl_user: z.string().min(1).optional().describe('The user at the sentinels. Without it: `default`.'),
  password_file: z.string().min(1).optional().describe('A file with its password. Without it: none.'),
});

const RedisSchema = z
  .strictObject({
    url: z
      .url({ protocol: /^rediss?$/ })
      .describe(
        'The primary: `redis://host:6379/0`, with TLS `rediss://`. With `sentinels` the host is the name that they monitor it under.',
      ),
    sentinels: SentinelsSchema.optional().describe(
      'Redis Sentinel, which says where the primary is; with TLS where `url` has it. What a replica did not have yet when it was promoted is lost.',
    ),
    acl_user: z.string().min(1).optional().describe('The user of the profile in `deploy/redis`. Without it: the one in the URL.'),
    password_file: z
      .string()
      .min(1)
      .optional()
      .describe('A file with the password, read at every connect; wins over the one in the URL.'),
    tls: TlsFiles.optional().describe('For `rediss` URLs.'),
    recovery: z
      .enum(['refuse', 'reseed', 'empty'])
      .default('refuse')
      .describe(
        'What to do when Redis has lost everything though this cluster has run before: `refuse` stops the partitions and says so; ' +
          '`reseed` lets the agents that still run write back what they hold in memory, and stops the partitions of those that do not; ' +
          '`empty` begins anew and loses what was half computed, and needs `accept_loss`.',
      ),
    accept_loss: z
      .boolean()
      .default(false)
      .describe('That `recovery: empty` may give up what was half computed is said here, so that nobody sets it by the way.'),
  })
  .refine(
    ({ recovery, accept_loss }) => recovery !== 'empty' || accept_loss,
    '`recovery: empty` gives up rates, open windows and what was half correlated; say so with `accept_loss: true`',
  )
  .refine(
    ({ url, sentinels }) => sentinels === undefined || new URL(url).port === '',
    'with `sentinels` the host of `url` is the name that they monitor the primary under, without a port',
  );

/** `coordination:` one machine alone, or any number of them. */
export const CoordinationSchema = z
  .union([
    z.literal('off'),
    z.strictObject({
      redis: RedisSchema.describe('Membership, leases and the state of every partition.'),
      keys_file: z
        .string()
        .min(1)
        .describe(
          'The keys by which agents know each other: a YAML file with `active: k1` and `keys: { k1: … }`, 32 bytes or more.',
        ),
    }),
  ])
  .default('off')
  .describe('`off`: everything embedded, on this machine. With `redis` (and `topics`): any number of agents on any machines.');

const BrokerUrl = z.url({ protocol: /^amqps?$/ });

/** `topics:` where the internal topics are kept. */
export const TopicsSchema = z
  .union([
    z.literal('embedded'),
    z.strictObject({
      amqp: z.strictObject({
        url: z
          .union([BrokerUrl, z.array(BrokerUrl).min(1)])
          .describe('The broker, or several of one cluster that are tried in turn: `amqp://user@host:5672/vhost`.'),
        password_file: z
          .string()
          .min(1)
          .optional()
          .describe('A file with the password, read at every connect; wins over the one in the URL.'),
        tls: TlsFiles.optional().describe('For `amqps` URLs.'),
      }),
    }),
    z.strictObject({
      kafka: z
        .strictObject({
          ...kafkaConnection,
          replication: z
            .int()
            .min(1)
            .max(32_767)
            .optional()
            .describe(
              'Copies of each partition of the topics that are created. Without it: three, or as many as there are brokers.',
            ),
        })
        .describe('Needs the package kafkajs.'),
    }),
  ])
  .default('embedded')
  .describe(
    '`embedded`: in the data directory. `amqp`: quorum queues of RabbitMQ; `kafka`: topics of Kafka. One of these two is needed with `coordination.redis`.',
  );

/** The file of `keys_file`. */
export const KeysFile = z.strictObject({
  active: z.string().min(1).describe('The key that signs.'),
  keys: z.record(z.string().regex(/^[\w-]{1,32}$/), z.string().min(32)).describe('All keys that are accepted, by name.'),
});
